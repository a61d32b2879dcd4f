-- The lexemes of a text with their positions: what BM25 counts, for documents of every language.
--   English: PostgreSQL's English stems, compounds taken apart (split_compounds). Most texts are told to be English by the
--     share of stop words, which costs nothing: the parse has left them out.
--   Scripts with a stemmer in PostgreSQL: that stemmer's, where a quarter of the text is written in one.
--   Other languages in Latin letters: English stems without stop words.
--   In all but English, long stems are kept as their heads (lexeme_heads).
--   Scripts without spaces, and Hangul: pairs of characters (unify_text).
-- Nobody says which language a text has. A query has all forms that its words can have in any row (parse_search_query).
CREATE OR REPLACE FUNCTION search_words(document text)
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  t text := document;
  configuration regconfig;
  words tsvector;
BEGIN
  IF octet_length(t) > length(t) THEN
    configuration := script_configuration(t, 0.25);
    t := unify_text(t);
  END IF;
  IF has_compounds(t) THEN
    t := split_compounds(t);
  END IF;
  IF configuration IS NULL THEN
    words := to_tsvector('pg_catalog.english'::regconfig, t);
    IF has_stop_words(t, words) OR NOT is_foreign_text(document) THEN
      RETURN words;
    END IF;
    configuration := 'opa_plain'::regconfig;
  END IF;
  RETURN lexeme_heads(to_tsvector(configuration, t)::text)::tsvector;
END
$$;
