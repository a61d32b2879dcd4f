-- The document frequencies at the last fold, for estimates alone: search_statistics without the log, and so at a third
-- of its cost. Never for a score or a proof.
CREATE OR REPLACE FUNCTION public.folded_frequencies(lexemes text[])
RETURNS float8[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
  RETURN (
    SELECT array_agg(coalesce(CASE split_part(asked.lexeme, chr(1), 2) WHEN '' THEN stored.document_frequency
                              WHEN '1' THEN layer_1 WHEN '2' THEN layer_2 WHEN '3' THEN layer_3 END, 0)::float8 ORDER BY position)
      FROM unnest(folded_frequencies.lexemes) WITH ORDINALITY AS asked (lexeme, position)
      LEFT JOIN LATERAL (
        SELECT document_frequency, layer_1, layer_2, layer_3 FROM public.search_lexemes AS stored
         WHERE stored.lexeme = split_part(asked.lexeme, chr(1), 1)
           AND stored.epoch <= (SELECT fold / 64 FROM public.search_totals ORDER BY fold DESC LIMIT 1)
         ORDER BY stored.epoch DESC LIMIT 1
      ) AS stored ON true);
END
$$;
