-- A query's text as the texts of rows are parsed (search_words). Japanese and Chinese are written without spaces, so that one
-- between two of their characters says nothing.
CREATE OR REPLACE FUNCTION query_text_form(query_text text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  t text := query_text;
BEGIN
  IF octet_length(t) > length(t) THEN
    t := unify_text(regexp_replace(t, '(?<=[\u3041-\u30ff\u3400-\u9fff])\s+(?=[\u3041-\u30ff\u3400-\u9fff])', '', 'g'));
  END IF;
  RETURN split_compounds(t);
END
$$;
