-- The lexemes of a text with their positions (see search_words, which prepares the text), by the stemmer of its script, or
-- as English, or as another language in Latin letters (foreign_configuration).
-- original: the text as it was written
CREATE OR REPLACE FUNCTION words_of(
  document text, original text, script_configuration regconfig, foreign_configuration regconfig
)
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  configuration regconfig := script_configuration;
  words tsvector;
BEGIN
  IF configuration IS NULL THEN
    words := to_tsvector('pg_catalog.english'::regconfig, document);
    IF has_stop_words(document, words) OR NOT is_foreign_text(original) THEN
      RETURN words;
    END IF;
    configuration := foreign_configuration;
  END IF;
  words := to_tsvector(configuration, document);
  -- As in lexeme_heads.
  RETURN regexp_replace(words::text, '''([a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]{6})[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]+''', E'''\\1\x02''', 'g')::tsvector;
END
$$;
