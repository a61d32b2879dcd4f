-- The words of a query in a language in Latin letters without the stop words of that language, which is the one that has most
-- of them among the query's words: in a database of many languages they would count as rare. All words if none is left.
CREATE OR REPLACE FUNCTION without_function_words(words tsvector, query_text text)
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  stemmers CONSTANT regdictionary[] := '{german_stem,spanish_stem,french_stem,italian_stem,portuguese_stem,dutch_stem,swedish_stem,danish_stem,norwegian_stem,finnish_stem,hungarian_stem,turkish_stem}';
  said text[] := ARRAY(SELECT DISTINCT lower(hit[1]) FROM regexp_matches(left(query_text, 2000), '([[:alpha:]]+)', 'g') AS hit);
  function_words text[];
  left_over tsvector;
BEGIN
  SELECT array_agg(word) INTO function_words
  FROM unnest(stemmers) WITH ORDINALITY AS stemmer (dictionary, place) CROSS JOIN unnest(said) AS word
  WHERE ts_lexize(stemmer.dictionary, word) = '{}'
  GROUP BY stemmer.place
  ORDER BY count(*) DESC, stemmer.place
  LIMIT 1;
  IF function_words IS NULL THEN
    RETURN words;
  END IF;
  left_over := ts_delete(words, ARRAY(
    SELECT entry.lexeme FROM unnest(function_words) AS word CROSS JOIN LATERAL unnest(to_tsvector('opa_plain'::regconfig, unify_text(word))) AS entry
  ));
  RETURN CASE WHEN left_over = '' THEN words ELSE left_over END;
END
$$;
