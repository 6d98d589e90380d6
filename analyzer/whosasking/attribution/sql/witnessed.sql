-- From when to when each process was seen at work on the network, on the sensor's clock.
CREATE OR REPLACE TEMPORARY VIEW witnessed AS
SELECT process, timeline, host, min(seen_at) AS first_seen, max(seen_at) AS last_seen, min(ts) AS own
FROM socket_all
WHERE seen_at IS NOT NULL
GROUP BY process, timeline, host
