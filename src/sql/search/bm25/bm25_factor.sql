-- What a row's words score is multiplied with, as SQL for bm25_statement; null for nothing:
--   up to 1.5 by the share of the query's phrases that occur in the row;
--   bm25_correction_factor for a row that matches by nothing but a corrected word.
CREATE OR REPLACE FUNCTION bm25_factor(query record)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  RETURN NULLIF(concat_ws(' * ',
    CASE WHEN query.phrases <> '{}' THEN
      '(1 + 0.5::float8 * (SELECT count(*) FROM unnest($11::tsquery[]) AS phrase (query) WHERE m.search_vector @@ phrase.query) / cardinality($11))' END,
    CASE WHEN query.written IS NOT NULL THEN 'CASE WHEN m.search_vector @@ $12 THEN 1 ELSE $15::float8 END' END), '');
END
$$;
