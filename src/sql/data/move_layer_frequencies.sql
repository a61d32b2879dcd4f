-- Layer lexemes had rows of their own: their counts become columns of the lexeme's row. The log stays as it is.
UPDATE public.search_lexemes AS stored
SET layer_1 = layers.layer_1, layer_2 = layers.layer_2, layer_3 = layers.layer_3
FROM (
  SELECT split_part(lexeme, chr(1), 1) COLLATE "C" AS lexeme,
    COALESCE(sum(document_frequency) FILTER (WHERE split_part(lexeme, chr(1), 2) = '1'), 0) AS layer_1,
    COALESCE(sum(document_frequency) FILTER (WHERE split_part(lexeme, chr(1), 2) = '2'), 0) AS layer_2,
    COALESCE(sum(document_frequency) FILTER (WHERE split_part(lexeme, chr(1), 2) = '3'), 0) AS layer_3
  FROM public.search_lexemes WHERE strpos(lexeme, chr(1)) > 0 GROUP BY 1
) AS layers
WHERE stored.lexeme = layers.lexeme;
--> statement-breakpoint
DELETE FROM public.search_lexemes WHERE strpos(lexeme, chr(1)) > 0;
