-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score.
--
-- query_text: words, "phrases", -exclusions; stop words alone find nothing
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids, fuzzy
CREATE OR REPLACE FUNCTION public.bm25_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  lexemes text[];
  required tsquery;
BEGIN
  IF query_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
  END IF;
  PERFORM public.check_query_text('bm25_search', query_text);
  PERFORM public.check_search_limit('bm25_search', k);
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := public.memory_filter_condition(query_tags, filter);

  SELECT parsed.lexemes, parsed.required INTO lexemes, required FROM public.parse_search_query(query_text) AS parsed;
  IF COALESCE((filter -> 'fuzzy')::boolean, true) THEN
    lexemes := public.correct_lexemes(lexemes);
  END IF;

  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, hit.score
    FROM (
      SELECT scored.id, scored.score
      FROM public.bm25_rows(lexemes, required, condition, query_tags, filter) AS scored
      ORDER BY scored.score DESC, scored.id COLLATE "C"
      LIMIT k
    ) AS hit
    JOIN public.memory_items AS m ON m.id = hit.id
    ORDER BY hit.score DESC, hit.id COLLATE "C";
END
$$;
