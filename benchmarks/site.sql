-- One site's day, as macros over connection numbers: the same rows for the same seed, on any number of threads.
-- Variables set before: seed, total (connections), begin_at (epoch seconds), one_in (connections per lookup),
-- skew (power of the popularity law), clients, servers.

-- Odd multipliers and xor-shifts are bijections of 32 bits: two connections never share a uid.
CREATE MACRO scrambled(x) AS (xor(x, x >> 16) * 73244475) % 4294967296;
CREATE MACRO dice(i, k) AS scrambled(scrambled((i * 2654435761 + k * 40503 + getvariable('seed') * 7919) % 4294967296));
CREATE MACRO chance(i, k) AS dice(i, k) / 4294967296.0;
CREATE MACRO popular(i, k, size) AS floor(size * pow(chance(i, k), getvariable('skew')))::BIGINT;
CREATE MACRO uid_of(letter, i) AS
    letter || to_base(dice(i, 1) * 16384 + dice(i, 2) % 16384, 36, 9) || lower(to_base(dice(i, 3) * 512 + dice(i, 4) % 512, 36, 8));
CREATE MACRO client_address(n) AS concat('10.', dice(n, 11) % 8, '.', dice(n, 12) % 256, '.', 1 + dice(n, 13) % 254);
CREATE MACRO public_address(n) AS
    concat([13, 34, 52, 104, 142, 151, 185][1 + dice(n, 21) % 7], '.', 1 + dice(n, 22) % 254, '.', 1 + dice(n, 23) % 254, '.',
           1 + dice(n, 24) % 254);

CREATE MACRO connections(first, past) AS TABLE
    SELECT i,
           i % getvariable('one_in') = getvariable('one_in') // 2 AS is_lookup,
           dice(i, 5) % 100 AS kind,
           dice(i, 6) % 2 = 0 AS on_port43,
           getvariable('begin_at') * 1000000 + (i * 86400000000) // getvariable('total') + dice(i, 17) % (1 + 86400000000 // getvariable('total')) AS micros,
           uid_of('C', i) AS uid,
           client_address(popular(i, 7, getvariable('clients'))) AS client,
           32768 + dice(i, 8) % 28000 AS port,
           public_address(popular(i, 9, getvariable('servers'))) AS server,
           popular(i, 10, getvariable('servers')) AS name_number,
           200 + dice(i, 14) % 89800 AS size,
           concat('199.5.26.', 1 + dice(i, 15) % 254) AS lookup_server,
           dice(i, 16) AS lookup_dice
    FROM range(first, past) numbers(i);
