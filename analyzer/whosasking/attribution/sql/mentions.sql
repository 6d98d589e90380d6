-- Whether a command line holds a name as a whole word. `contains` first: it is cheap and almost always says no.
CREATE MACRO mentions(line, word) AS
CASE
    WHEN line IS NULL OR word IS NULL OR NOT contains(line, word) THEN FALSE
    ELSE regexp_matches(
        line, '(^|[^a-z0-9._-])' || regexp_escape(word) || '($|[^a-z0-9._-]|[.]($|[^a-z0-9_-]))'
    )
END
