-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score. The result is
-- that of scoring every match, but few matches are read: see bm25_find.
--
-- query_text: words, "phrases", -exclusions, begin*; with filter.operators = false prose, see parse_search_query
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids;
--   fuzzy: false: words that no row has are not replaced by the nearest one (bm25_search_corrected says which were). Rows that
--     have a word as it was typed come before those that match by corrections alone.
--   operators: false: quotes and minuses are characters (true by default in this function)
--   prefix: true: the last word stands for all that begin so
--   min_match: 0 to 1, the least share of the query's words that a row must have
--   after: {"score": score, "id": id} of the last row of the page before. Pages join to the list that a larger k gives.
--     The search is made longer until it reaches beyond the cursor, so a page costs more the further back it is.
--   min_score: 0 to 1, the least share of the best score (that of the first row of the first page) that a row must have
CREATE OR REPLACE FUNCTION bm25_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  found record;
BEGIN
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT * FROM bm25_search_by_grants(query_text, query_tags, k, filter);
      RETURN;
    END IF;
  END IF;
  found := bm25_search_page(query_text, query_tags, k, filter);
  -- By their places, which nobody changes for the snapshot that found them, and which cost no index.
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.places, found.scores) AS best (place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    ORDER BY best.score DESC, m.id COLLATE "C";
END
$$;
