-- Rung 4: processes alive then whose command line names the server or what was asked, or that are a known client of
-- the lookup's protocol. A name counts as a whole word: `who.is` is not in `awho.is`, nor in `who.israel`.
WITH running AS (
    SELECT
        l.n AS lookup, l.server, l.object, l.browser, l.port43, p.n AS process, p.timeline, p.command, p.tool,
        l.ts - (p.started + c.process) AS apart,
        p.ended IS NOT NULL OR l.ts - (p.started + c.process) <= $server_life AS may_name_server,
        p.ended IS NOT NULL OR l.ts - (p.started + c.process) <= $short_life AS may_be_client
    FROM lookup AS l
    JOIN lookup_host AS h ON h.lookup = l.n
    JOIN process AS p ON p.host = h.host
    JOIN clock AS c USING (timeline)
    WHERE
        p.started + c.process <= l.ts + $jitter
        AND (p.ended IS NULL OR p.ended + c.process >= l.ts - $jitter)
),
named AS (
    SELECT
        *,
        may_name_server AND mentions(command, server) AS names_server,
        may_be_client AND length(object) >= $shortest AND mentions(command, object) AS names_object
    FROM running
),
judged AS (
    SELECT
        lookup, process, timeline, apart,
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
SELECT lookup, process, timeline, apart, NULL AS socket, evidence
FROM judged
WHERE evidence IS NOT NULL
ORDER BY lookup, abs(apart), process
