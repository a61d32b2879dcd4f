-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023.
CREATE OR REPLACE FUNCTION public.nearest_lexeme(lexeme text)
RETURNS text
LANGUAGE sql STABLE STRICT
AS $$
  SELECT written.word
  FROM ts_stat('SELECT m.search_vector FROM public.memory_items AS m') AS written
  WHERE nearest_lexeme.lexeme !~ '\d' AND similarity(written.word, nearest_lexeme.lexeme) >= 0.45
  ORDER BY similarity(written.word, nearest_lexeme.lexeme) DESC, written.ndoc DESC, written.word COLLATE "C"
  LIMIT 1
$$;
