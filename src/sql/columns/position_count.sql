-- How many positions a tsvector has: the length of a document. A conjunction that matches nothing ranks 1e-20, and
-- normalisation 2 divides that by the number of positions: ten times cheaper than unnesting.
CREATE OR REPLACE FUNCTION position_count(words tsvector)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN words = '' THEN 0 ELSE round(1e-20 / ts_rank(words, E'''\x01'' & ''\x02''', 2))::integer END
$$;
