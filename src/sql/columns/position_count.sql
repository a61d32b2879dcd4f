-- How many positions a tsvector has: the length of a document. A conjunction that matches nothing ranks 1e-20, and
-- normalisation 2 divides that by the number of positions: ten times cheaper than unnesting. An empty one ranks 0.
CREATE OR REPLACE FUNCTION position_count(words tsvector)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(round(1e-20 / NULLIF(ts_rank(words, E'''\x01'' & ''\x02''', 2), 0)), 0)::integer;
