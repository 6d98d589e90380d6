-- Rung 4: processes alive then whose command line names the server or what was asked, or that are a known client of
-- the lookup's protocol. A name counts as a whole word: `who.is` is not in `awho.is`, nor in `who.israel`. `contains`
-- first: it is cheap and almost always says no. chr(92) is a backslash, which SQL dialects escape differently; between
-- \Q and \E a name has no special characters.
WITH running AS (
    SELECT
        l.n AS lookup, l.server, l.object, l.browser, l.port43, p.n AS process, p.timeline, p.command, p.tool,
        p.started AS own,
        l.ts - p.started_at AS apart,
        p.ended IS NOT NULL OR l.ts - p.started_at <= $server_life AS may_name_server,
        p.ended IS NOT NULL OR l.ts - p.started_at <= $short_life AS may_be_client
    FROM lookup AS l
    JOIN lookup_host AS h ON h.lookup = l.n
    JOIN process_at AS p ON p.host = h.host
    WHERE
        p.started_at <= l.ts + $jitter
        AND (p.ended IS NOT NULL OR p.started_at >= l.ts - $short_life)
        AND (p.ended IS NULL OR p.ended_at >= l.ts - $jitter)
),
searched AS (
    SELECT
        lookup, object, browser, port43, process, timeline, command, tool, apart, own, may_be_client,
        CASE
            WHEN NOT may_name_server OR command IS NULL OR server IS NULL OR NOT contains(command, server) THEN NULL
            ELSE replace(server, chr(92) || 'E', chr(92) || 'E' || chr(92) || chr(92) || 'E' || chr(92) || 'Q')
        END AS server_text,
        CASE
            WHEN NOT may_be_client OR command IS NULL OR object IS NULL OR NOT contains(command, object) THEN NULL
            WHEN length(object) < $shortest THEN NULL
            ELSE replace(object, chr(92) || 'E', chr(92) || 'E' || chr(92) || chr(92) || 'E' || chr(92) || 'Q')
        END AS object_text
    FROM running
),
named AS (
    SELECT
        lookup, object, browser, port43, process, timeline, command, tool, apart, own, may_be_client,
        CASE
            WHEN server_text IS NULL THEN FALSE
            ELSE regexp_extract(
                command,
                '(^|[^a-z0-9._-])' || chr(92) || 'Q' || server_text || chr(92)
                || 'E($|[^a-z0-9._-]|[.]($|[^a-z0-9_-]))',
                0
            ) <> ''
        END AS names_server,
        CASE
            WHEN object_text IS NULL THEN FALSE
            ELSE regexp_extract(
                command,
                '(^|[^a-z0-9._-])' || chr(92) || 'Q' || object_text || chr(92)
                || 'E($|[^a-z0-9._-]|[.]($|[^a-z0-9_-]))',
                0
            ) <> ''
        END AS names_object
    FROM searched
),
judged AS (
    SELECT
        lookup, process, timeline, apart, own,
        CASE
            WHEN names_object AND names_server THEN 'server and object'
            WHEN names_object THEN 'object'
            WHEN names_server THEN 'server'
            -- A whois client that asks for something else, as far as its command line says, did not ask for this.
            WHEN NOT may_be_client OR browser THEN NULL
            WHEN tool = 'whois' AND port43 AND (object IS NULL OR command IS NULL) THEN 'client'
            WHEN tool = 'rdap' AND NOT port43 THEN 'client'
            WHEN tool = 'recon' THEN 'client'
        END AS evidence
    FROM named
)
SELECT lookup, process, timeline, apart, CAST(NULL AS BIGINT) AS socket, evidence, own
FROM judged
WHERE evidence IS NOT NULL
ORDER BY lookup, abs(apart), process
