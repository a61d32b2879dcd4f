-- As bm25_search, and says which words were corrected, of the whole query in each row: corrections has for each such word, as
-- it was typed, the lexeme that was taken for it; null where nothing was corrected.
CREATE OR REPLACE FUNCTION bm25_search_corrected(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8, corrections jsonb)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  found record;
BEGIN
  -- For an isolated role nothing is corrected: see nearest_lexemes.
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT *, NULL::jsonb FROM bm25_search_by_grants(query_text, query_tags, k, filter);
      RETURN;
    END IF;
  END IF;
  found := bm25_search_page(query_text, query_tags, k, filter);
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score, found.corrections
    FROM unnest(found.places, found.scores) AS best (place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    ORDER BY best.score DESC, m.id COLLATE "C";
END
$$;
