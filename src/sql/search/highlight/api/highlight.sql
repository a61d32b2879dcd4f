-- The part of a text that answers a query best, its matching words between start_tag and stop_tag. Words match as in
-- bm25_search: in every form and language, by a part of a compound, corrected. Of scripts without spaces the matching
-- characters are marked. The query is taken as prose: what it excludes is in no result.
--
-- max_words: how long the part may be; 0 gives the whole text
-- filter: that of the search (without after and what hybrid_search has of its own): a word that no row which passes it has is
--   corrected as there
-- as_html: true escapes the text (&, <, >, " and '), not the tags
-- A document of more than 64 KiB, the longest memory, is refused.
CREATE OR REPLACE FUNCTION highlight(
  document text, query_text text, start_tag text DEFAULT '<b>', stop_tag text DEFAULT '</b>', max_words integer DEFAULT 35,
  filter jsonb DEFAULT '{}', as_html boolean DEFAULT false
)
RETURNS text
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  -- A token: a number, a letter with a number, initials, or letters and digits. All begin with a letter or a digit.
  tokens CONSTANT text := '([^[:alnum:]]*)(\d+(?:[.,]\d+)+|[A-Za-z]{1,5}-\d{1,6}[A-Za-z]?(?![[:alnum:]])|(?:[A-Za-z]\.){2,}|[[:alnum:]\u0300-\u036f\u0900-\u109f\u1780-\u17d3]+)';
  condition text;
  words text[];
  marked record;
  shown text := '';
BEGIN
  IF num_nulls(document, query_text, start_tag, stop_tag) > 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'highlight: document, query_text, start_tag and stop_tag must be text, got a null among them';
  END IF;
  IF max_words IS NULL OR max_words NOT BETWEEN 0 AND 1000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('highlight: max_words must be from 0 to 1000, got %s', COALESCE(max_words::text, 'null'));
  END IF;
  IF octet_length(document) > 65536 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('highlight: document must have at most 65536 bytes, got %s', octet_length(document));
  END IF;
  PERFORM check_query_text('highlight', query_text);
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition('{}', filter);
  words := (bm25_query(query_text, condition, '{}', filter || '{"operators": false}')).words;

  WITH token AS MATERIALIZED (
    SELECT hit[1] AS gap, hit[2] AS token, place::integer
    FROM regexp_matches(document, tokens, 'g') WITH ORDINALITY AS hit (hit, place)
  ), matching AS MATERIALIZED (
    SELECT known.token, known.lexeme
    FROM (SELECT DISTINCT token FROM token) AS distinct_token
    CROSS JOIN LATERAL (SELECT distinct_token.token, matching_lexeme(distinct_token.token, words) AS lexeme) AS known
    WHERE known.lexeme IS NOT NULL
  ), hit AS MATERIALIZED (
    SELECT token.place, matching.lexeme FROM token JOIN matching ON matching.token = token.token ORDER BY token.place LIMIT 1000
  ), best AS (
    -- The window with the most different words of the query, the first of them; it begins some words before its first hit.
    SELECT first.place AS first, max(other.place) AS last
    FROM (SELECT * FROM hit LIMIT 200) AS first
    JOIN hit AS other ON other.place BETWEEN first.place AND first.place + max_words - 1
    GROUP BY first.place
    ORDER BY count(DISTINCT other.lexeme) DESC, first.place LIMIT 1
  ), span AS (
    SELECT CASE WHEN max_words = 0 OR max_words >= (SELECT count(*) FROM token) THEN 1
      ELSE greatest(1, least(
        COALESCE(best.first - (max_words - 1 - best.last + best.first) / 2, 1), (SELECT count(*) FROM token) - max_words + 1)) END AS first
    FROM (SELECT) AS one LEFT JOIN best ON true
  )
  SELECT string_agg(
      CASE WHEN token.place = span.first AND span.first > 1 THEN '' ELSE shown_text(token.gap, as_html) END
      || CASE WHEN matching.lexeme IS NULL THEN shown_text(token.token, as_html)
         ELSE mark_token(token.token, words, start_tag, stop_tag, as_html) END, '' ORDER BY token.place) AS text,
    max(token.place) = (SELECT count(*) FROM token) AS has_end, max(char_length) AS char_length
  INTO marked
  FROM span
  JOIN token ON token.place >= span.first AND (max_words = 0 OR token.place < span.first + max_words)
  LEFT JOIN matching ON matching.token = token.token
  CROSS JOIN (SELECT sum(length(gap) + length(token.token)) AS char_length FROM token) AS all_tokens;
  IF marked.text IS NULL THEN
    RETURN shown_text(document, as_html);
  END IF;
  -- What follows the last token belongs to the end.
  RETURN marked.text || CASE WHEN marked.has_end THEN shown_text(substr(document, marked.char_length::integer + 1), as_html) ELSE '' END;
END
$$;
