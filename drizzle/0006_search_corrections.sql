SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- source: src/sql/memory/nearest_lexeme.sql
-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023. Words that were written since the last fold are in the log; of a
-- large backlog of bulk statements only the newest words are looked at, or a misspelt word would cost what it all holds.
-- SECURITY DEFINER, because nobody may read the vocabulary: it gives one word for one word.
CREATE OR REPLACE FUNCTION public.nearest_lexeme(lexeme text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
  least_similarity CONSTANT real := 0.45;
  most_chunks CONSTANT integer := 128;
  threshold_before text;
  similar_lexemes text[];
  counted record;
BEGIN
  IF nearest_lexeme.lexeme ~ '\d' THEN
    RETURN NULL;
  END IF;
  -- The operator % can use the index, and takes its threshold from a setting (which is not SET on the function, because
  -- only a superuser may do that before pg_trgm is loaded). show_limit loads it.
  PERFORM show_limit();
  threshold_before := current_setting('pg_trgm.similarity_threshold');
  PERFORM set_config('pg_trgm.similarity_threshold', least_similarity::text, true);
  SELECT array_agg(DISTINCT written.lexeme)
  INTO similar_lexemes
  FROM (
    SELECT folded.lexeme
    FROM public.search_lexemes AS folded
    WHERE folded.lexeme % nearest_lexeme.lexeme AND strpos(folded.lexeme, chr(1)) = 0
    UNION ALL
    SELECT logged.lexeme
    FROM (
      SELECT unnest(tsvector_to_array(log.lexemes)) FROM public.search_log_entries() AS log
      UNION ALL
      SELECT unnest(newest.lexemes)
      FROM (
        SELECT chunk.lexemes
        FROM public.search_log_entries() AS log
        JOIN public.search_log_lexemes AS chunk ON chunk.xid = log.xid AND chunk.entry = log.entry
        ORDER BY log.entry DESC
        LIMIT most_chunks
      ) AS newest
    ) AS logged (lexeme)
    WHERE strpos(logged.lexeme, chr(1)) = 0 AND logged.lexeme % nearest_lexeme.lexeme
  ) AS written;
  PERFORM set_config('pg_trgm.similarity_threshold', threshold_before, true);

  counted := public.search_statistics(COALESCE(similar_lexemes, '{}'));
  RETURN (
    SELECT candidate.lexeme
    FROM unnest(similar_lexemes, counted.document_frequencies) AS candidate (lexeme, frequency)
    WHERE candidate.frequency > 0 AND similarity(candidate.lexeme, nearest_lexeme.lexeme) >= least_similarity
    ORDER BY similarity(candidate.lexeme, nearest_lexeme.lexeme) DESC, candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT 1
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/vector_index_rows.sql
-- Asks the vector index for the rows nearest to the query (a unit vector) that pass the condition, which speaks of $1
-- (query_tags), $2 (filter) and $3 (required). It may return fewer than limit_rows.
--
-- The index holds half-precision vectors, so twice as many rows as wanted are taken and ordered anew by the full ones.
-- The scan goes on in relaxed order until the condition has let so many pass: in strict order a neighbour that comes
-- up late would be thrown away, which cost 3 % of recall under a filter that 5 % pass. ef_search and probes are for a
-- recall above 0.98 on real vectors (npm run bench -- vector): the more rows are wanted, the more lists they lie in.
CREATE OR REPLACE FUNCTION public.vector_index_rows(
  query vector, required tsquery, condition text, query_tags text[], limit_rows integer, filter jsonb,
  method text, lists integer
)
RETURNS TABLE (id text, similarity float8)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  -- The planner must not sort what the index gives in order.
  names constant text[] := ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_sort', 'jit'] || CASE method
    WHEN 'hnsw' THEN ARRAY['hnsw.iterative_scan', 'hnsw.ef_search']
    ELSE ARRAY['ivfflat.iterative_scan', 'ivfflat.probes']
  END;
  values constant text[] := ARRAY['off', 'off', 'off', 'off', 'relaxed_order', CASE method
    WHEN 'hnsw' THEN least(1000, greatest(400, 2 * limit_rows))
    ELSE least(lists, ceil((3 + log(limit_rows::float8)) * sqrt(lists)))
  END::text];
  before constant text[] := ARRAY(
    SELECT current_setting(setting.name) FROM unnest(names) WITH ORDINALITY AS setting (name, place) ORDER BY setting.place
  );
BEGIN
  -- Local to the transaction, and put back below; an error rolls them back.
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, values) AS setting (name, value);
  RETURN QUERY EXECUTE format(
    $query$
      WITH nearest AS MATERIALIZED (
        SELECT m.id, m.embedding
        FROM public.memory_items AS m
        WHERE m.embedding IS NOT NULL AND %s
        ORDER BY (l2_normalize(m.embedding)::halfvec(384)) <=> $4::halfvec(384)
        LIMIT 2 * $5
      )
      SELECT nearest.id, 1 - (nearest.embedding <=> $4) AS similarity
      FROM nearest
      ORDER BY similarity DESC, nearest.id COLLATE "C"
      LIMIT $5
    $query$,
    condition
  )
  USING query_tags, filter, required, query, limit_rows;
  PERFORM set_config(setting.name, setting.value, true) FROM unnest(names, before) AS setting (name, value);
END
$$;
--> statement-breakpoint
-- source: trigger memory_items_updated_at
DROP TRIGGER IF EXISTS memory_items_updated_at ON public.memory_items; -- replaced below
--> statement-breakpoint
CREATE OR REPLACE TRIGGER memory_items_updated_at
  BEFORE UPDATE ON public.memory_items
  FOR EACH ROW
  WHEN ((OLD.id, OLD.namespace, OLD.text, OLD.tags, OLD.speaker_id, OLD.metadata, OLD.importance, OLD.expires_at, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.namespace, NEW.text, NEW.tags, NEW.speaker_id, NEW.metadata, NEW.importance, NEW.expires_at, NEW.created_at)
    OR NOT COALESCE(OLD.embedding OPERATOR(public.=) NEW.embedding, OLD.embedding IS NULL AND NEW.embedding IS NULL))
  EXECUTE FUNCTION public.set_updated_at();
--> statement-breakpoint
-- source: trigger memory_items_updated_at_kept
DROP TRIGGER IF EXISTS memory_items_updated_at_kept ON public.memory_items; -- replaced below
--> statement-breakpoint
CREATE OR REPLACE TRIGGER memory_items_updated_at_kept
  BEFORE UPDATE ON public.memory_items
  FOR EACH ROW
  WHEN (OLD.updated_at IS DISTINCT FROM NEW.updated_at AND NOT ((OLD.id, OLD.namespace, OLD.text, OLD.tags, OLD.speaker_id, OLD.metadata, OLD.importance, OLD.expires_at, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.namespace, NEW.text, NEW.tags, NEW.speaker_id, NEW.metadata, NEW.importance, NEW.expires_at, NEW.created_at)
    OR NOT COALESCE(OLD.embedding OPERATOR(public.=) NEW.embedding, OLD.embedding IS NULL AND NEW.embedding IS NULL)))
  EXECUTE FUNCTION public.keep_updated_at();
