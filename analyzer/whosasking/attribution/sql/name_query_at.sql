-- What the rungs read: all events. `attribute`, with millions of them, puts those around some minutes in this place.
CREATE OR REPLACE TEMPORARY VIEW name_query_at AS
SELECT *
FROM name_query_all
