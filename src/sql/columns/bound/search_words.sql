-- The lexemes of a text with their positions: what BM25 counts, for documents of every language.
--   English: PostgreSQL's English stems, compounds taken apart (split_compounds).
--   Scripts with a stemmer in PostgreSQL: that stemmer's, where a quarter of the text is written in one.
--   Other languages in Latin letters: English stems without a list of stop words.
--   In all but English, long stems are kept as their heads (lexeme_heads).
--   Scripts without spaces, and Hangul: pairs of characters (unify_text).
-- Nobody says which language a text has (words_of finds out). A query has all forms that its words can have in any row
-- (query_lexemes).
--
-- Bound when it is made, so that PostgreSQL puts its expression in place of the call.
CREATE OR REPLACE FUNCTION search_words(document text)
RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN words_of(
  split_compounds(CASE WHEN octet_length(document) > length(document) THEN unify_text(document) ELSE document END),
  document, script_configuration(document, 0.25), 'opa_plain'::regconfig
);
