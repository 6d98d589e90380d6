-- A host's connections on the sensor's clock: `seen_at`, NULL where that clock is not known. A clock may consist of
-- pieces (it drifted, it was set): an event that falls into two of them, after a clock was set back, stands twice.
CREATE OR REPLACE TEMPORARY VIEW socket_all AS
SELECT s.*, s.ts + p.ahead + CAST(round((s.ts - p.base) * p.drift) AS BIGINT) AS seen_at
FROM socket AS s
LEFT JOIN clock_piece AS p ON p.timeline = s.timeline AND p.network AND s.ts BETWEEN p.since AND p.until
