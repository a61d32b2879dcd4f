-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_arms.sql
-- The queries that together find every document which can score more than `threshold`: the argument is that of
-- bm25_companions, taken apart into one short query for each lexeme ("this one, and what it then needs"), because the
-- GIN index evaluates the whole of a tsquery for every posting. A lexeme with many documents is taken apart by
-- layer too: the higher its layer, the less company it needs.
CREATE OR REPLACE FUNCTION bm25_arms(
  terms text[], bounds float8[], remaining float8[], frequencies float8[], documents float8, threshold float8
)
RETURNS tsquery[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  lexemes CONSTANT integer := cardinality(remaining) - 1;
  depth CONSTANT integer := CASE WHEN lexemes <= 12 THEN 2 ELSE 1 END;
  many_documents CONSTANT float8 := CASE WHEN lexemes <= 3 THEN 3000 ELSE 30000 END;
  arms tsquery[] := '{}';
  singles text;
  companions text;
  base integer;
  alone integer;
  lowest integer;
  upper integer;
  lower integer;
BEGIN
  FOR i IN 1 .. lexemes LOOP
    EXIT WHEN remaining[i] <= threshold;
    base := 4 * i - 3;
    alone := width_bucket(threshold, bounds[base : base + 3]);
    lowest := width_bucket(threshold - remaining[i + 1], bounds[base : base + 3]);

    upper := alone - 1;
    WHILE upper >= lowest LOOP
      lower := upper;
      WHILE lower > lowest AND (frequencies[base + lowest] < many_documents OR frequencies[base + lower - 1] < many_documents) LOOP
        lower := lower - 1;
      END LOOP;
      companions := bm25_companions(terms, bounds, remaining, frequencies, documents, i + 1,
        threshold - bounds[base + upper], frequencies[base + lower], depth);
      IF companions IS NULL THEN
        alone := lower;
      ELSIF companions <> '' THEN
        arms := arms || (terms[base + lower] || '&(' || companions || ')')::tsquery;
      END IF;
      upper := lower - 1;
    END LOOP;
    IF alone < 4 THEN
      singles := concat_ws('|', singles, terms[base + alone]);
    END IF;
  END LOOP;
  RETURN CASE WHEN singles IS NULL THEN arms ELSE arms || singles::tsquery END;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_companions.sql
-- The text of a tsquery that no document fails whose lexemes from `first` on can add up to more than `need`. NULL
-- stands for "every document": right whenever it saves more than it costs, because extra candidates are only scored
-- in vain. '' stands for "no document".
--
-- Lexemes come rarest first; terms and bounds hold four levels each (any, layer 1, 2, 3), a bound being the most that a
-- document below the next layer gets, and remaining[i] the most that lexemes from i on can add. Why nothing is missed:
-- take the first lexeme i that the document has. If its level alone exceeds the need, the first half of the condition
-- holds. If not, its contribution is at most the bound of the level below that, so the lexemes after i add more than
-- need minus that bound, which is the same question again; and below the lowest level from which the remaining lexemes
-- could still fill the gap it cannot be at all.
CREATE OR REPLACE FUNCTION bm25_companions(
  terms text[], bounds float8[], remaining float8[], frequencies float8[], documents float8,
  first integer, need float8, expected float8, depth integer
)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  few_documents CONSTANT float8 := 30;   -- not worth a narrower condition
  togetherness CONSTANT float8 := 3;     -- words of one query meet more often than chance
  condition text := '';
  alternative text;
  companions text;
  base integer;
  alone integer;
  lowest integer;
BEGIN
  IF need < 0 OR depth = 0 OR expected <= few_documents THEN
    RETURN NULL;
  END IF;
  FOR i IN first .. cardinality(remaining) - 1 LOOP
    EXIT WHEN remaining[i] <= need;
    base := 4 * i - 3;
    alone := width_bucket(need, bounds[base : base + 3]);
    lowest := width_bucket(need - remaining[i + 1], bounds[base : base + 3]);

    alternative := CASE WHEN alone < 4 THEN terms[base + alone] ELSE '' END;
    IF lowest < alone THEN
      companions := bm25_companions(terms, bounds, remaining, frequencies, documents, i + 1,
        need - bounds[base + alone - 1],
        expected * least(1, togetherness * frequencies[base + lowest] / documents), depth - 1);
      IF companions IS NULL THEN
        alternative := terms[base + lowest];
      ELSIF companions <> '' THEN
        alternative := concat_ws('|', nullif(alternative, ''), '(' || terms[base + lowest] || '&(' || companions || '))');
      END IF;
    END IF;
    IF alternative <> '' THEN
      condition := concat_ws('|', nullif(condition, ''), alternative);
    END IF;
  END LOOP;
  RETURN condition;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_correction_factor.sql
-- A factor that puts every row which matches by corrected words alone below every row that has a word of the query as it was
-- written: the least that the lightest word adds to the longest text that can be stored, by the most that all words can add.
CREATE OR REPLACE FUNCTION bm25_correction_factor(query record)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  longest CONSTANT float8 := 65536;
BEGIN
  RETURN CASE WHEN query.written IS NOT NULL THEN (
    SELECT min(weight) / sum(weight) / (1 + 1.2 * (0.25 + 0.75 * longest / query.average_length)) / 2 FROM unnest(query.weights) AS weight
  ) END;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_document_score.sql
-- BM25 of one document: the sum over the query's lexemes, of
--   idf (as often as the query says it) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average_length)).
-- It is summed in lexeme order, so that the same data gives the same bytes.
-- Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
CREATE OR REPLACE FUNCTION bm25_document_score(
  document tsvector, length float8, average_length float8, lexemes text[], idfs float8[], k1 float8, b float8
)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT COALESCE(
    sum(
      query.idf * frequency.tf * (k1 + 1) / (frequency.tf + k1 * (1 - b + b * length / average_length))
      ORDER BY query.lexeme COLLATE "C"
    ),
    0
  )
  FROM unnest(document) AS entry
  JOIN unnest(lexemes, idfs) AS query (lexeme, idf) ON query.lexeme = entry.lexeme
  CROSS JOIN LATERAL (SELECT COALESCE(cardinality(entry.positions), 1)::float8 AS tf) AS frequency
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_enough_words.sql
-- That a row has as many words of a query as filter.min_match asks for, as SQL for bm25_statement.
CREATE OR REPLACE FUNCTION bm25_enough_words()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '(SELECT count(*) FROM unnest($13::tsquery[]) AS word (query) WHERE m.search_vector @@ word.query) >= $14::integer'
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_factor.sql
-- What a row's words score is multiplied with, as SQL for bm25_statement; null for nothing:
--   up to 1.5 by the share of the query's phrases that occur in the row;
--   bm25_correction_factor for a row that matches by nothing but a corrected word.
CREATE OR REPLACE FUNCTION bm25_factor(query record)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  RETURN NULLIF(concat_ws(' * ',
    CASE WHEN query.phrases <> '{}' THEN
      '(1 + 0.5::float8 * (SELECT count(*) FROM unnest($11::tsquery[]) AS phrase (query) WHERE m.search_vector @@ phrase.query) / cardinality($11))' END,
    CASE WHEN query.written IS NOT NULL THEN 'CASE WHEN m.search_vector @@ $12 THEN 1 ELSE $15::float8 END' END), '');
END
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_find.sql
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
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_guess.sql
-- The score that about `wanted` documents can be expected to reach, from the document frequencies alone: the scores'
-- distribution over some steps, built up word by word as if words occurred independently of one another. Only a
-- guess: bm25_find proves it or lowers it. 0 if fewer documents match at all.
-- frequencies: for each word how many documents have it, and have it in layer 1, 2 and 3 (four numbers in a row).
CREATE OR REPLACE FUNCTION bm25_guess(impacts float8[], frequencies float8[], documents float8, wanted float8)
RETURNS float8
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  steps CONSTANT integer := CASE WHEN cardinality(impacts) <= 3 THEN 24 ELSE 48 END;
  -- a typical contribution (as a share of idf) of a word in no layer, in the first, the second, the third
  typical CONSTANT float8[] := '{0.85, 1.25, 1.55, 1.85}';
  step_score float8 := 0;
  impact float8;
  expected float8[] := array_fill(0::float8, ARRAY[steps + 2]);  -- expected[s + 1]: documents that score s steps
  here float8;
  shares float8[];
  shifts integer[];
  reached integer;
  highest integer := 0;
  total float8 := 0;
BEGIN
  FOREACH impact IN ARRAY impacts LOOP
    step_score := step_score + impact * typical[4] / steps;
  END LOOP;
  expected[1] := documents;
  FOR word IN 1 .. cardinality(impacts) LOOP
    shares := ARRAY[
      frequencies[4 * word - 3] - frequencies[4 * word - 2], frequencies[4 * word - 2] - frequencies[4 * word - 1],
      frequencies[4 * word - 1] - frequencies[4 * word], frequencies[4 * word]
    ];
    impact := impacts[word] / step_score;
    shifts := ARRAY[impact * typical[1], impact * typical[2], impact * typical[3], impact * typical[4]];
    -- From the top, so that a document that was just moved up is not moved again.
    FOR score IN REVERSE highest .. 0 LOOP
      here := expected[score + 1] / documents;
      CONTINUE WHEN here <= 1e-9;
      FOR layer IN 1 .. 4 LOOP
        reached := least(score + shifts[layer], steps + 1) + 1;
        expected[reached] := expected[reached] + here * shares[layer];
      END LOOP;
    END LOOP;
    highest := least(highest + shifts[4], steps + 1);
  END LOOP;
  FOR score IN REVERSE highest .. 1 LOOP
    total := total + expected[score + 1];
    IF total >= wanted THEN
      RETURN score * step_score;
    END IF;
  END LOOP;
  RETURN 0;
END
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_idf.sql
-- The weight of a lexeme that occurs in document_frequency of so many documents; never negative.
CREATE OR REPLACE FUNCTION bm25_idf(documents bigint, document_frequency bigint)
RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT ln(1 + (documents - document_frequency + 0.5::float8) / (document_frequency + 0.5::float8))
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_impact_bounds.sql
-- What a lexeme can be worth in a document, as a share of its idf, by the highest impact layer it has there: none, the
-- first, the second, any. (layered_search_vector sets the layers: u = tf / (0.25 + 0.75 * length / 43) >= 1.4, 2.4, 4.5.)
--
-- Why it is a bound: the contribution is 2.2 / (1 + 1.2 * x) with x = (0.25 + 0.75 * length / average_length) / tf. Below
-- the threshold t, the document is longer than 43 * (tf / t - 0.25) / 0.75, and not shorter than tf, which gives for each
-- tf the shortest length in whole numbers and so the least x. Ignoring that lengths are whole, the least x is linear in
-- 1 / tf, (0.25 - 10.75 / average_length) / tf + 43 / (t * average_length), so that the ends of any range of tf bound all
-- within it (255 is the most). The terms below are the first few tf with their shortest lengths and that line from where
-- it takes over; the tf left out have an x above the line between two of the terms, so they are never the least.
CREATE OR REPLACE FUNCTION bm25_impact_bounds(average_length float8)
RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT ARRAY[
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 20.25 / average_length, -- tf 1, length 27
      (0.25 - 10.75 / average_length) / 7 + 43 / 1.4 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 1.4 / average_length)) * (1 + 1e-12),
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 7.5 / average_length, -- tf 1, length 10
      (0.25 - 10.75 / average_length) / 6 + 43 / 2.4 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 2.4 / average_length)) * (1 + 1e-12),
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 0.75 / average_length, 0.125 + 4.5 / average_length, 0.25 / 3 + 6 / average_length, -- tf 1 to 3, length 1, 12, 24
      (0.25 - 10.75 / average_length) / 7 + 43 / 4.5 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 4.5 / average_length)) * (1 + 1e-12),
    2.2::float8
  ]
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/bm25_levels.sql
-- What pruning needs to know about a query's words, rarest first. Each has four levels (any document; impact layer 1,
-- 2, 3 or higher): terms, the tsquery text that finds the documents; frequencies, their number; bounds, the most that
-- the word adds to a document below the next layer. impacts[i] is its idf, for each time that the query says it, and
-- remaining[i] the most that words from i on add together.
-- word_frequencies, layer_frequencies and weights as bm25_query gives them. The layers' numbers are estimates, and
-- that is all that pruning needs: nothing is proven by a count.
CREATE OR REPLACE FUNCTION bm25_levels(
  words text[], word_frequencies float8[], layer_frequencies float8[], weights float8[], average_length float8,
  OUT impacts float8[], OUT terms text[], OUT bounds float8[], OUT frequencies float8[], OUT remaining float8[]
)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
#variable_conflict use_column
DECLARE
  shares CONSTANT float8[] := bm25_impact_bounds(average_length);
  rarest_first CONSTANT integer[] := ARRAY(
    SELECT position FROM unnest(word_frequencies) WITH ORDINALITY AS word (frequency, position)
     ORDER BY frequency, position);
  position integer;
  impact float8;
  term text;
  layer text;
BEGIN
  FOREACH position IN ARRAY rarest_first LOOP
    impact := weights[position] / 2.2;
    term := quote_lexeme(words[position]);
    layer := left(term, -1) || chr(1);
    impacts := impacts || impact;
    terms := terms || ARRAY[term, layer || '1''', layer || '2''', layer || '3'''];
    bounds := bounds || ARRAY[impact * shares[1], impact * shares[2], impact * shares[3], impact * shares[4]];
    frequencies := frequencies || ARRAY[word_frequencies[position],
      layer_frequencies[position][1], layer_frequencies[position][2], layer_frequencies[position][3]];
  END LOOP;
  remaining := array_fill(0::float8, ARRAY[cardinality(impacts) + 1]);
  FOR i IN REVERSE cardinality(impacts) .. 1 LOOP
    remaining[i] := remaining[i + 1] + bounds[4 * i];
  END LOOP;
END
$$;
