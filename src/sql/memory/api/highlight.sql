-- The part of a text that answers a query best, its matching words between start_tag and stop_tag: ts_headline for the
-- lexemes that bm25_search ranks by, misspelt words corrected likewise. The text is not escaped: whoever shows it as
-- HTML must escape it, and so chooses tags that survive it.
-- max_words: how long the part may be; 0 gives the whole text
-- Source: https://www.postgresql.org/docs/current/textsearch-controls.html#TEXTSEARCH-HEADLINE
CREATE OR REPLACE FUNCTION highlight(
  document text, query_text text, start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>', max_words integer DEFAULT 35
)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  query tsquery;
BEGIN
  IF num_nulls(document, query_text, start_tag, stop_tag) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'highlight: document, query_text, start_tag and stop_tag must be text, got a null among them';
  END IF;
  IF max_words IS NULL OR max_words NOT BETWEEN 0 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('highlight: max_words must be from 0 to 1000, got %s', COALESCE(max_words::text, 'null'));
  END IF;
  PERFORM check_query_text('highlight', query_text);
  query := lexeme_query(correct_lexemes((parse_search_query(query_text)).lexemes));
  RETURN ts_headline('pg_catalog.english', document, COALESCE(query, ''), format(
    'StartSel="%s", StopSel="%s", %s',
    replace(start_tag, '"', '""'), replace(stop_tag, '"', '""'),
    CASE
      WHEN max_words = 0 THEN 'HighlightAll=true'
      ELSE format('MaxWords=%s, MinWords=%s, ShortWord=0', max_words + 1, greatest(1, max_words / 2))
    END
  ));
END
$$;
