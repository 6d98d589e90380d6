-- What the rungs read: all events. `attribute`, with millions of them, puts those around some minutes in this place.
CREATE OR REPLACE TEMPORARY VIEW socket_at AS
SELECT *
FROM socket_all
