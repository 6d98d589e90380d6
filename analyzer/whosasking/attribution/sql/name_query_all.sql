-- DNS queries on the sensor's clock; see `socket_all`.
CREATE OR REPLACE TEMPORARY VIEW name_query_all AS
SELECT q.*, q.ts + p.ahead + CAST(round((q.ts - p.base) * p.drift) AS BIGINT) AS seen_at
FROM name_query AS q
LEFT JOIN clock_piece AS p ON p.timeline = q.timeline AND p.network AND q.ts BETWEEN p.since AND p.until
