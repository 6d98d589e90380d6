-- Stretches in which a host's products recorded nothing: longer than $least, and $times its usual pauses. In minutes.
WITH active AS (
    SELECT host, CAST(floor(seen_at / 60000000) AS BIGINT) AS minute
    FROM socket_all
    WHERE seen_at IS NOT NULL
    UNION
    SELECT host, CAST(floor(seen_at / 60000000) AS BIGINT) AS minute
    FROM name_query_all
    WHERE seen_at IS NOT NULL
    UNION
    SELECT host, CAST(floor(started_at / 60000000) AS BIGINT) AS minute
    FROM process_at
    WHERE started_at IS NOT NULL
),
pause AS (
    SELECT host, lag(minute) OVER (PARTITION BY host ORDER BY minute) AS since, minute AS until
    FROM active
),
usual AS (
    SELECT host, min(length) AS length  -- the 95th percentile
    FROM (
        SELECT
            host, until - since AS length,
            row_number() OVER (PARTITION BY host ORDER BY until - since) AS place,
            count(*) OVER (PARTITION BY host) AS pauses
        FROM pause
        WHERE since IS NOT NULL
    ) AS ranked
    WHERE place * 100 >= pauses * 95
    GROUP BY host
)
SELECT p.host, (p.since + 1) * 60000000 AS since, p.until * 60000000 AS until
FROM pause AS p
JOIN usual AS u ON u.host = p.host
WHERE p.since IS NOT NULL AND (p.until - p.since) * 60000000 >= $least AND p.until - p.since >= $times * u.length
ORDER BY p.host, since
