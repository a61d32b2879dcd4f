-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score. The result is
-- that of scoring every match, but few matches are read: see bm25_find.
--
-- query_text: words, "phrases", -exclusions; stop words alone find nothing
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids, fuzzy;
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
  condition text;
  parsed record;
  found record;
  is_page boolean;
  sought integer := k;
  min_score float8;
BEGIN
  -- The checks have the details; asked only when something is wrong, they cost nothing.
  IF (octet_length(query_text) <= 65536 AND k BETWEEN 1 AND 1000) IS NOT TRUE THEN
    IF query_text IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
    END IF;
    PERFORM check_query_text('bm25_search', query_text);
    PERFORM check_search_limit('bm25_search', k);
  END IF;
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT * FROM bm25_search_by_grants(query_text, query_tags, k, filter);
      RETURN;
    END IF;
  END IF;
  condition := memory_filter_condition(query_tags, filter, '{after,min_score}');
  IF filter ? 'min_score' THEN
    min_score := check_min_score(filter, 0, 1);
    filter := filter - 'min_score';
  END IF;
  is_page := filter ? 'after';
  IF is_page THEN
    PERFORM check_cursor(filter);
  END IF;

  parsed := parse_search_query(query_text);
  LOOP
    found := bm25_find(
      parsed.lexemes, COALESCE((filter -> 'fuzzy')::boolean, true), parsed.required, condition, query_tags, sought, filter
    );
    EXIT WHEN NOT is_page OR COALESCE(cardinality(found.ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(found.ids, found.scores) AS hit (id, score)
               WHERE is_after(hit.score, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;

  -- By their places, which nobody changes for the snapshot that found them, and which cost no index.
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.ids, found.places, found.scores) AS best (id, place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    WHERE (NOT is_page OR is_after(best.score, best.id, filter))
      AND (min_score IS NULL OR best.score >= min_score * found.scores[1])
    ORDER BY best.score DESC, m.id COLLATE "C"
    LIMIT k;
END
$$;
