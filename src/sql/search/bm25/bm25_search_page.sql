-- What bm25_search answers: the places in the table and the scores of its rows, best first, and which words were corrected.
CREATE OR REPLACE FUNCTION bm25_search_page(
  query_text text, query_tags text[], k integer, filter jsonb, OUT places tid[], OUT scores float8[], OUT corrections jsonb
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  query record;
  found record;
  is_page boolean;
  sought integer := k;
  min_score float8;
BEGIN
  -- Fast path: one expression. The check functions run only to build the error message.
  IF (octet_length(query_text) <= 65536 AND k BETWEEN 1 AND 1000) IS NOT TRUE THEN
    IF query_text IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
    END IF;
    PERFORM check_query_text('bm25_search', query_text);
    PERFORM check_search_limit('bm25_search', k);
  END IF;
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition(query_tags, filter, '{after,min_score}');
  IF filter ? 'min_score' THEN
    min_score := check_min_score(filter, 0, 1);
    filter := filter - 'min_score';
  END IF;
  is_page := filter ? 'after';
  IF is_page THEN
    PERFORM check_cursor(filter);
  END IF;

  query := bm25_query(query_text, condition, query_tags, filter);
  corrections := query.corrections;
  LOOP
    found := bm25_find(query, condition, query_tags, sought, filter);
    EXIT WHEN NOT is_page OR COALESCE(cardinality(found.ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(found.ids, found.scores) AS hit (id, score)
               WHERE is_after(hit.score, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;
  places := found.places;
  scores := found.scores;
  IF is_page OR min_score IS NOT NULL THEN
    SELECT array_agg(best.place ORDER BY best.position), array_agg(best.score ORDER BY best.position) INTO places, scores
    FROM (
      SELECT * FROM unnest(found.ids, found.places, found.scores) WITH ORDINALITY AS hit (id, place, score, position)
      WHERE (NOT is_page OR is_after(hit.score, hit.id, filter)) AND (min_score IS NULL OR hit.score >= min_score * found.scores[1])
      ORDER BY hit.position LIMIT k
    ) AS best;
  END IF;
END
$$;
