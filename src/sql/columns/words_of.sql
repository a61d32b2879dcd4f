-- The lexemes of a text with their positions (see search_words, which prepares the text), by the stemmer of its script, or
-- as English, or as another language in Latin letters (foreign_configuration) where few of its words are English stop words
-- and it has a letter with a diacritic, or a function word that no English text has. Of English texts 95 in 100 have less
-- than three quarters of their words left without the stop words, of others hardly one; and to know it costs nothing, because
-- the English parse has left them out.
-- original: the text as it was written; has_heads: false for the words of a query
CREATE OR REPLACE FUNCTION words_of(
  document text, original text, script_configuration regconfig, foreign_configuration regconfig, has_heads boolean
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
    IF words = ''
      OR round(1e-20 / ts_rank(words, E'''\x01'' & ''\x02''', 2)) < 0.75 * (length(document) - length(replace(document, ' ', '')) + 1)
      OR (
        original !~ '[\u00bf\u00df-\u024f\u1e00-\u1eff]'
        AND original !~ '(?<![\w''-])(?:der|das|und|ist|nicht|eine|einen|einer|ich|mit|auf|sich|wird|werden|wurde|wurden|von|dem|[Ww]ie|[Ww]er|[Ww]ann|[Ww]arum|[Ww]elche[rs]?|que|una|por|fue|como|del|cuando|donde|quien|cual|dans|une|avec|sont|cette|qui|quel|quelle|che|di|della|nel|sono|uma|foi|pelo|quem|onde|het|een|niet|voor|zijn|werd|welke|hoeveel|och|att|hur|vad|nie|jest|jak|kto|gdzie|hogy|yang|dengan|apa|siapa|bir|hangi|kim)(?![\w''-])'
      )
    THEN
      RETURN words;
    END IF;
    configuration := foreign_configuration;
  END IF;
  words := to_tsvector(configuration, document);
  -- As in lexeme_heads.
  RETURN CASE WHEN has_heads THEN regexp_replace(words::text, '''([a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]{6})[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]+''', E'''\\1\x02''', 'g')::tsvector ELSE words END;
END
$$;
