-- The k best documents for a query (what bm25_query gives), exactly as if every match had been scored, and how they were
-- found (for explain_search). The steps, and why the answer is exact:
-- 1. Guess the score that the k-th document reaches (bm25_guess reads document frequencies, no rows).
-- 2. Read and score every document that can score more than the guess: bm25_arms proves that its queries miss none.
-- 3. k documents found, the k-th at least as good as the guess: nothing better was left out. Done.
--    k found, but some below the guess, or too many candidates: the k-th of these is a threshold that k documents are
--    known to reach. Read once more with it, unless its queries are those that have been read. Fewer than k: guess lower;
--    in the end every match is read.
-- Where few documents match, or few of them can pass the filter, every match is read at once; under row-level security
-- too: @@ is not leakproof, so that the search index may not be asked before the policy, and a threshold would save
-- nothing. Which indexes find the rows (access): the search index, the filter's too where it spares more reading than it
-- takes, or the filter's alone where it finds few rows.
--
-- Where more than words counts (bm25_factor), a score is the words' times a factor of at most `most_factor`: what cannot score
-- threshold / most_factor by its words is left out.
--
-- A query of words that are not indexed is answered by stop_word_rows.
--
-- condition: what memory_filter_condition makes of query_tags and filter. If it says more, filter has more keys.
-- path, access, share: as explain_search has them; thresholds, arm_counts, candidate_counts: one for each reading.
CREATE OR REPLACE FUNCTION bm25_find(
  query record, condition text, query_tags text[], k integer, filter jsonb,
  OUT ids text[], OUT places tid[], OUT scores float8[],
  OUT path text, OUT access text, OUT share float8, OUT thresholds float8[], OUT arm_counts integer[], OUT candidate_counts bigint[]
)
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
SET jit = off
SET max_parallel_workers_per_gather = 0
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  -- So many words have a statement whose plan is kept (bm25_scan); so many are taken apart by bm25_arms.
  most_kept CONSTANT integer := 8;
  most_pruned CONSTANT integer := 100;
  -- Reading a row takes as long as reading so many entries of a filter's index.
  entries_per_row CONSTANT float8 := 10;
  -- Nothing narrows the search but what bm25_scan knows.
  factor CONSTANT text := bm25_factor(query);
  most_factor CONSTANT float8 := CASE WHEN query.phrases <> '{}' THEN 1.5 ELSE 1 END;
  is_plain CONSTANT boolean := query.required IS NULL AND factor IS NULL
    AND filter - '{namespace,fuzzy,operators,prefix,after}'::text[] = '{}';
  is_filtered CONSTANT boolean := NOT is_plain OR query_tags <> '{}' OR filter ? 'namespace';
  -- Scored sooner than a threshold is found. Under a filter more rows are read than pass.
  few_matches CONSTANT float8 := CASE WHEN is_filtered THEN 20 ELSE 100 END;
  estimate record;
  levels record;
  scan record;
  word_count integer;
  matches float8 := 0;
  frequency float8;
  has_index boolean := false;
  wanted float8;
  statement text;
  threshold float8 := 0;
  arms tsquery[];
  arms_read tsquery[];
  is_complete boolean;
  candidates bigint;
  candidate_limit bigint := 1500 + 20 * k;
BEGIN
  word_count := cardinality(query.words);
  IF word_count = 0 THEN
    IF query.stop_words IS NOT NULL THEN
      SELECT array_agg(hit.id), array_agg(hit.place), array_agg(hit.score) INTO ids, places, scores
      FROM stop_word_rows(query.stop_words, query.required, condition, query_tags, k, filter) AS hit;
      path := CASE WHEN ids IS NULL THEN 'no match' ELSE 'text' END;
    ELSE
      path := 'no match';
    END IF;
    RETURN;
  END IF;
  FOREACH frequency IN ARRAY query.frequencies LOOP
    matches := matches + frequency;
  END LOOP;

  path := 'every match';
  access := 'search';
  share := 1;
  IF is_filtered THEN
    estimate := estimate_filter(condition, query_tags, filter, query.required);
    share := estimate.share;
    has_index := estimate.has_index;
  END IF;
  IF has_index AND share * query.documents * 20 < matches THEN
    path := 'filter';
    access := 'filter';
  ELSE
    wanted := matches;
    IF word_count <= most_pruned AND least(query.documents, matches) * share > few_matches + k
      AND NOT row_security_active('memory_items')
    THEN
      path := 'threshold';
      -- So many rows must pass the guess, whether the filter lets them pass or not, for k to be left.
      wanted := k / share * CASE WHEN word_count <= 3 OR is_filtered THEN 1 ELSE 0.5 END;
      levels := bm25_levels(
        query.words, query.frequencies, query.layer_frequencies, query.weights, query.average_length
      );
      threshold := bm25_guess(levels.impacts, levels.frequencies, query.documents, wanted);
    END IF;
    IF has_index AND share * query.documents < entries_per_row * wanted THEN
      access := 'both';
    END IF;
  END IF;

  -- What bm25_scan has no statement for is planned each time.
  IF word_count > most_kept OR NOT is_plain OR (filter ? 'namespace' AND access <> 'search') THEN
    -- IS TRUE keeps a condition's own index out of the plan.
    statement := bm25_statement(word_count, concat_ws(' AND ',
      format(CASE WHEN path = 'filter' THEN '(%s) IS TRUE' ELSE '%s' END, 'm.search_vector @@ ANY ($4)'),
      format(CASE WHEN access = 'search' AND path = 'threshold' THEN '(%s) IS TRUE' ELSE '(%s)' END, condition),
      CASE WHEN query.required IS NOT NULL THEN 'm.search_vector @@ $3' END,
      CASE WHEN query.needed > 1 THEN bm25_enough_words() END), factor);
  END IF;

  FOR round IN 1 .. 10 LOOP
    IF threshold > 0 THEN
      arms := bm25_arms(levels.terms, levels.bounds, levels.remaining, levels.frequencies, query.documents,
        threshold / most_factor * (1 - 1e-9));
    ELSE
      arms := CASE WHEN word_count <= most_pruned THEN query.queries ELSE ARRAY[lexeme_query(query.words)] END;
      candidate_limit := NULL;
    END IF;
    IF arms IS DISTINCT FROM arms_read OR NOT is_complete THEN
      IF statement IS NULL THEN
        scan := bm25_scan(
          access, nullif(query_tags, '{}'), filter ->> 'namespace', arms, query.queries, query.weights,
          query.average_length, k, candidate_limit
        );
        ids := scan.ids;
        places := scan.places;
        scores := scan.scores;
        candidates := scan.candidates;
      ELSE
        EXECUTE statement
        INTO ids, places, scores, candidates
        USING query_tags, filter, query.required, arms, query.queries, query.weights, query.average_length,
          bm25_tf_thresholds(), k, candidate_limit, query.phrases, query.written, query.word_queries, query.needed,
          bm25_correction_factor(query), query.words;
      END IF;
      candidates := COALESCE(candidates, 0);
      arms_read := arms;
      is_complete := candidate_limit IS NULL OR candidates < candidate_limit;
      thresholds := thresholds || threshold;
      arm_counts := arm_counts || cardinality(arms);
      candidate_counts := candidate_counts || candidates;
    END IF;
    EXIT WHEN threshold <= 0;
    IF cardinality(scores) >= k THEN
      EXIT WHEN scores[k] >= threshold AND is_complete;
      threshold := scores[k];
      candidate_limit := NULL;
    ELSIF round < 3 AND candidates > 0 THEN
      threshold := least(
        threshold * 0.85,
        bm25_guess(levels.impacts, levels.frequencies, query.documents, k / share * 10 ^ round)
      );
    ELSE
      threshold := 0;
    END IF;
  END LOOP;
END
$$;
