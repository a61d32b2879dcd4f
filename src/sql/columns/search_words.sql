-- The lexemes of a text with their positions: what BM25 counts, for documents of every language.
--   English: PostgreSQL's English stems, compounds taken apart (split_compounds).
--   Scripts with a stemmer in PostgreSQL: that stemmer's, where a quarter of the text is written in one.
--   Other languages in Latin letters: English stems without a list of stop words.
--   In all but English, long stems are kept as their heads (lexeme_heads).
--   Scripts without spaces, and Hangul: pairs of characters (unify_text).
-- Nobody says which language a text has (is_foreign_text and has_stop_words tell). A query has all forms that its words can have in any row
-- (query_lexemes).
CREATE OR REPLACE FUNCTION search_words(document text)
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  t text := document;
  configuration regconfig;
  words tsvector;
BEGIN
  -- Each look at a text costs some microseconds, so most texts get no more than they need.
  IF octet_length(t) > length(t) AND t ~ '[^\x01-\x7e\u2010\u2012-\u2015\u2018-\u2022]' THEN
    IF t ~ '[^\x01-\x7e\u00c0-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u01cd-\u01f0\u01f4-\u024f\u2010\u2012-\u2015\u2018-\u2022]' THEN
      configuration := script_configuration(t, 0.25);
    END IF;
    t := unify_text(t);
  END IF;
  t := split_compounds(t);
  IF configuration IS NULL THEN
    words := to_tsvector('pg_catalog.english'::regconfig, t);
    IF has_stop_words(t, words) OR NOT is_foreign_text(document) THEN
      RETURN words;
    END IF;
    configuration := 'opa_plain'::regconfig;
  END IF;
  words := to_tsvector(configuration, t);
  -- As in lexeme_heads.
  RETURN regexp_replace(words::text, '''([a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]{6})[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]+''', E'''\\1\x02''', 'g')::tsvector;
END
$$;
