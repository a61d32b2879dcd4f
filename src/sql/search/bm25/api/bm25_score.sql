-- The BM25 score that a text would have for a query if its statistics were the corpus's: STABLE, because they change.
-- Misspelt words are not corrected; 0 when a phrase does not occur or an exclusion does. On an empty corpus the average
-- length is the text's own.
CREATE OR REPLACE FUNCTION bm25_score(
  query_text text, doc_text text, k1 float8 DEFAULT 1.2, b float8 DEFAULT 0.75
)
RETURNS float8
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  query record;
  units tsvector;
  document tsvector;
  length integer;
BEGIN
  IF query_text IS NULL OR doc_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('bm25_score: query_text and doc_text must be text, got null for %s',
        CASE WHEN query_text IS NULL THEN 'query_text' ELSE 'doc_text' END);
  END IF;
  IF k1 IS NULL OR NOT (k1 >= 0 AND k1 <= 1000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: k1 must be from 0 to 1000, got %s', COALESCE(k1::text, 'null'));
  END IF;
  IF b IS NULL OR NOT (b >= 0 AND b <= 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: b must be from 0 to 1, got %s', COALESCE(b::text, 'null'));
  END IF;
  PERFORM check_query_text('bm25_score', query_text);

  query := bm25_query(query_text, NULL, '{}', NULL);
  document := search_words(doc_text);
  length := position_count(document);
  units := search_units(doc_text);
  IF units IS NOT NULL THEN
    document := document || units;
  END IF;
  IF query.required IS NOT NULL AND NOT document @@ query.required THEN
    RETURN 0;
  END IF;
  RETURN bm25_document_score(
    document, length, CASE WHEN query.total_length > 0 THEN query.average_length ELSE length END, query.words,
    ARRAY(SELECT weight / 2.2 FROM unnest(query.weights) WITH ORDINALITY AS word (weight, place) ORDER BY place), k1, b
  );
END
$$;
