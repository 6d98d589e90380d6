-- Process starts and ends on the sensor's clock. Process events may run on another clock than network events.
CREATE OR REPLACE TEMPORARY VIEW process_at AS
SELECT
    r.*,
    r.started + p.ahead + CAST(round((r.started - p.base) * p.drift) AS BIGINT) AS started_at,
    r.ended + p.ahead + CAST(round((r.ended - p.base) * p.drift) AS BIGINT) AS ended_at
FROM process AS r
LEFT JOIN clock_piece AS p ON p.timeline = r.timeline AND NOT p.network AND r.started BETWEEN p.since AND p.until
