-- Rung 5: processes of the one program whose ClientHello this is, as this site's exact matches taught, that ran on the
-- lookup's host then: started before and not yet ended as far as is known, seen at work before and after, or around
-- that time.
WITH wanted AS (
    SELECT
        l.n AS lookup, l.ts, h.host, coalesce(own.program, site.program) AS program,
        CASE WHEN own.program IS NOT NULL THEN 'hello of the host' ELSE 'hello of the site' END AS evidence
    FROM lookup AS l
    JOIN lookup_host AS h ON h.lookup = l.n
    LEFT JOIN hello AS own ON own.ja3 = l.ja3 AND own.host = h.host
    LEFT JOIN hello AS site ON site.ja3 = l.ja3 AND site.host IS NULL
    WHERE coalesce(own.program, site.program) IS NOT NULL
),
running AS (
    SELECT
        w.lookup, w.evidence, p.n AS process, p.timeline, w.ts - p.started_at AS apart, p.started AS own,
        CAST(NULL AS BIGINT) AS socket
    FROM wanted AS w
    JOIN process_at AS p ON p.host = w.host
    JOIN program AS g ON g.process = p.n AND g.program = w.program
    WHERE p.started_at <= w.ts + $jitter AND (p.ended IS NULL OR p.ended_at >= w.ts - $jitter)
    UNION ALL
    SELECT w.lookup, w.evidence, s.process, s.timeline, w.ts - s.first_seen, s.own, CAST(NULL AS BIGINT)
    FROM wanted AS w
    JOIN witnessed AS s ON s.host = w.host
    JOIN program AS g ON g.process = s.process AND g.program = w.program
    WHERE s.first_seen <= w.ts AND s.last_seen >= w.ts
    UNION ALL
    SELECT w.lookup, w.evidence, s.process, s.timeline, w.ts - s.seen_at AS apart, s.ts AS own, s.n AS socket
    FROM wanted AS w
    JOIN socket_at AS s ON s.host = w.host
    JOIN program AS g ON g.process = s.process AND g.program = w.program
    WHERE abs(w.ts - s.seen_at) <= $reach
),
ranked AS (
    SELECT
        lookup, process, timeline, apart, socket, evidence, own,
        row_number() OVER (PARTITION BY lookup, process, timeline ORDER BY abs(apart), socket NULLS LAST, own) AS place
    FROM running
)
SELECT lookup, process, timeline, apart, socket, evidence, own
FROM ranked
WHERE place = 1
ORDER BY lookup, abs(apart), process, timeline
