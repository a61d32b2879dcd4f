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
-- source: src/sql/memory/bm25_levels.sql
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
--> statement-breakpoint
-- source: src/sql/memory/bm25_query.sql
-- A query's text, parsed (parse_search_query), and what scoring needs to know about it among the rows that pass a filter:
-- words, which are the distinct lexemes in byte order, as a score sums them; for each its document frequency, the tsquery
-- that finds it, and its weight, idf * (k1 + 1) for each time that the query says it. layer_frequencies[i] are three: in how
-- many documents the word was in impact layer 1, 2, 3 at the last fold.
--
-- All forms of a word share one idf, that of the sum of their document frequencies: with one each, the few documents that
-- were taken for another language would outrank all others (measured on npl: nDCG@10 0.421 instead of 0.438).
-- The idf of a word that is not in Latin letters is among the documents of its script: in a database of many languages what
-- every Arabic text says would count as rare.
-- A query ranks by its 400 heaviest lexemes.
--
-- filter: its keys operators, prefix, fuzzy and min_match; null, for bm25_score: operators, no correction, and words that
-- occur in no document count too. Where it allows, a word that no row which passes has is replaced by the nearest that one has (correct_lexemes).
-- corrections: for each such word the lexeme that was taken for it; written: the tsquery of the others, null where nothing
--   was corrected, or nothing else is left.
-- word_queries: for filter.min_match the tsquery of each word, and needed, how many of them a row must have.
-- Lexemes that occur in no document are not among the words: they add nothing to a score.
CREATE OR REPLACE FUNCTION bm25_query(
  query_text text, condition text, query_tags text[], filter jsonb,
  OUT documents float8, OUT total_length float8, OUT average_length float8, OUT words text[], OUT frequencies float8[], OUT layer_frequencies float8[],
  OUT queries tsquery[], OUT weights float8[], OUT times integer[], OUT required tsquery, OUT phrases tsquery[], OUT stop_words text,
  OUT corrections jsonb, OUT written tsquery, OUT word_queries tsquery[], OUT needed integer
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  most_words CONSTANT integer := 400;
  -- Where a filter narrows the search, a word in so few documents may be in none of those that pass.
  most_in_doubt CONSTANT integer := CASE
    WHEN query_tags <> '{}' OR filter - '{fuzzy,operators,prefix,min_match,after}'::text[] <> '{}' THEN 100 ELSE 0
  END;
  is_fuzzy boolean := filter IS NOT NULL AND (filter -> 'fuzzy')::boolean IS DISTINCT FROM false;
  parsed CONSTANT record := parse_search_query(
    query_text, COALESCE((filter -> 'operators')::boolean, true), COALESCE((filter -> 'prefix')::boolean, false)
  );
  lexemes text[] := parsed.lexemes;
  places integer[] := parsed.places;
  counted record;
  corrected record;
  asked text[];
  place_frequencies float8[] := '{}';
  place integer;
  script_frequencies bigint[];
  script_documents float8;
  at integer := 1;
  weight float8;
  said integer;
  frequency float8;
BEGIN
  required := parsed.required;
  phrases := parsed.phrases;
  stop_words := parsed.stop_words;
  -- Touched before the statistics, as in search_statistics.
  PERFORM FROM memory_items LIMIT 0;
  IF parsed.prefixes <> '{}' THEN
    SELECT extended.lexemes, extended.places INTO lexemes, places
    FROM add_prefix_lexemes(lexemes, places, parsed.prefixes, parsed.prefix_places) AS extended;
  END IF;
  LOOP
    asked := tsvector_to_array(array_to_tsvector(lexemes));
    counted := read_search_statistics(asked);
    -- lexemes may have one more than once, asked has each once: both are in the same order.
    place_frequencies := '{}';
    at := 1;
    FOR i IN 1 .. COALESCE(cardinality(lexemes), 0) LOOP
      IF lexemes[i] <> asked[at] THEN
        at := at + 1;
      END IF;
      place := places[i];
      place_frequencies[place] := COALESCE(place_frequencies[place], 0) + counted.document_frequencies[at];
    END LOOP;
    EXIT WHEN NOT is_fuzzy;
    is_fuzzy := false;
    FOREACH frequency IN ARRAY place_frequencies LOOP
      is_fuzzy := is_fuzzy OR COALESCE(frequency <= most_in_doubt, false);
    END LOOP;
    EXIT WHEN NOT is_fuzzy;
    corrected := correct_lexemes(
      lexemes, places, place_frequencies, most_in_doubt, parsed.prefix_places, parsed.plain_text, condition, query_tags, filter
    );
    EXIT WHEN corrected.corrections IS NULL;
    lexemes := corrected.lexemes;
    places := corrected.places;
    corrections := corrected.corrections;
    written := corrected.written;
    is_fuzzy := false;
  END LOOP;

  documents := counted.documents;
  total_length := counted.total_length;
  average_length := greatest(counted.total_length, 1)::float8 / greatest(documents, 1);
  IF parsed.scripts <> '{}' THEN
    script_frequencies := (read_search_statistics(parsed.scripts)).document_frequencies;
  END IF;
  words := '{}';
  at := 1;
  FOR i IN 1 .. COALESCE(cardinality(asked), 0) LOOP
    frequency := counted.document_frequencies[i];
    weight := 0;
    said := 0;
    script_documents := documents;
    IF script_frequencies IS NOT NULL THEN
      script_documents := COALESCE(
        script_frequencies[array_position(parsed.scripts, (text_scripts(asked[i], 0))[1])], documents
      );
    END IF;
    WHILE lexemes[at] = asked[i] LOOP
      weight := weight + 2.2::float8 * ln(1 + (greatest(script_documents, place_frequencies[places[at]]) - place_frequencies[places[at]] + 0.5)
        / (place_frequencies[places[at]] + 0.5));
      said := said + 1;
      at := at + 1;
    END LOOP;
    CONTINUE WHEN frequency <= 0 AND filter IS NOT NULL;
    words := words || asked[i];
    frequencies := frequencies || frequency;
    layer_frequencies := layer_frequencies || counted.layer_frequencies[i : i];
    queries := queries || quote_lexeme(asked[i])::tsquery;
    weights := weights || weight;
    times := times || said;
  END LOOP;

  IF cardinality(words) > most_words THEN
    SELECT array_agg(word.lexeme ORDER BY word.ordinality), array_agg(word.frequency ORDER BY word.ordinality),
      array_agg(layer_frequencies[word.ordinality : word.ordinality] ORDER BY word.ordinality), array_agg(word.query ORDER BY word.ordinality),
      array_agg(word.weight ORDER BY word.ordinality), array_agg(word.said ORDER BY word.ordinality)
    INTO words, frequencies, layer_frequencies, queries, weights, times
    FROM (
      SELECT * FROM unnest(words, frequencies, queries, weights, times) WITH ORDINALITY AS word (lexeme, frequency, query, weight, said, ordinality)
      ORDER BY word.weight DESC, word.ordinality LIMIT most_words
    ) AS word;
  END IF;
  IF filter ? 'min_match' AND words <> '{}' THEN
    word_queries := ARRAY(
      SELECT lexeme_query(array_agg(form.lexeme ORDER BY form.lexeme COLLATE "C"))
      FROM unnest(lexemes, places) AS form (lexeme, place)
      GROUP BY form.place ORDER BY form.place
    );
    needed := greatest(1, ceil((filter ->> 'min_match')::numeric * cardinality(word_queries)));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_row_score.sql
-- The score of one row for at most eight words: the sum of weight * tf / (tf + norm), written with tf once as
-- weight * (1 - norm / (tf + norm)). Absent words have a null tsquery and the weight 0; that there are more than three is
-- said apart, because most queries have not, and even nulls take time. tf comes from ts_rank, see bm25_tf_thresholds;
-- norm is 1.2 * (0.25 + 0.75 * length / average length).
-- A single expression, so that PostgreSQL puts it in place of the call.
CREATE OR REPLACE FUNCTION bm25_row_score(
  search_vector tsvector, norm float8, queries tsquery[], weights float8[], tfs float8[], is_long boolean
)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN is_long THEN
    weights[1] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) + norm))
    + weights[2] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs) + norm))
    + weights[3] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs) + norm))
    + weights[4] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[4])::float8, tfs) + norm))
    + weights[5] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[5])::float8, tfs), 0) + norm))
    + weights[6] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[6])::float8, tfs), 0) + norm))
    + weights[7] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[7])::float8, tfs), 0) + norm))
    + weights[8] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[8])::float8, tfs), 0) + norm))
  ELSE
    weights[1] * (1 - norm / (width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[1])::float8, tfs) + norm))
    + weights[2] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[2])::float8, tfs), 0) + norm))
    + weights[3] * (1 - norm / (coalesce(width_bucket(ts_rank('{1,1,1,1}', search_vector, queries[3])::float8, tfs), 0) + norm))
  END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_scan.sql
-- bm25_statement for the commonest searches as statements whose plans are kept, because planning anew takes as long as
-- finding: at most eight words, and no filter but tags (any of query_tags, null for none) and a namespace.
-- access says which indexes find the candidates, and what is left is tested row by row:
--   'search': search_vector's alone · 'both': it and the tags' · 'filter': the tags' alone (these two do not look at a
--   namespace)
-- Plans are kept because bm25_find says so (plan_cache_mode). OFFSET 0 has each row scored before it is counted, so that
-- the count holds on to scores and not to vectors.
CREATE OR REPLACE FUNCTION bm25_scan(
  access text, query_tags text[], namespace text, arms tsquery[], queries tsquery[], weights float8[],
  average_length float8, k integer, candidate_limit bigint,
  OUT ids text[], OUT places tid[], OUT scores float8[], OUT candidates bigint
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  tfs CONSTANT float8[] := bm25_tf_thresholds();
  w CONSTANT float8[] := weights || array_fill(0::float8, ARRAY[8]);
  is_long CONSTANT boolean := cardinality(weights) > 3;
BEGIN
  IF access = 'search' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE m.search_vector @@ ANY (arms)
            AND (query_tags IS NULL OR m.tags && query_tags)
            AND (bm25_scan.namespace IS NULL OR m.namespace = bm25_scan.namespace)
            AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  ELSIF access = 'both' THEN
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE m.search_vector @@ ANY (arms) AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  ELSE
    SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates) INTO ids, places, scores, candidates
    FROM (
      SELECT id, place, score, count(*) OVER () AS candidates
      FROM (
        SELECT id, place, bm25_row_score(search_vector, norm, queries, w, tfs, is_long) AS score
        FROM (
          SELECT m.id, m.ctid AS place, m.search_vector, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / average_length) AS norm
          FROM memory_items AS m
          WHERE (m.search_vector @@ ANY (arms)) IS TRUE AND m.tags && query_tags AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.superseded_at IS NULL
          LIMIT candidate_limit
        ) AS candidate OFFSET 0
      ) AS scored
      ORDER BY score DESC, id COLLATE "C" LIMIT k
    ) AS best;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_score_rows.sql
-- The scores of given rows, for hybrid_search: by the same statement as a search, so the same bytes, without a search.
-- A row that does not match the query (what bm25_query gives) is not answered.
CREATE OR REPLACE FUNCTION bm25_score_rows(query record, row_ids text[])
RETURNS TABLE (id text, score float8)
LANGUAGE plpgsql STABLE ROWS 100
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
  ids text[];
  places tid[];
  scores float8[];
BEGIN
  IF cardinality(row_ids) = 0 THEN
    RETURN;
  END IF;
  IF query.words = '{}' THEN
    IF query.stop_words IS NOT NULL THEN
      RETURN QUERY
        SELECT hit.id, hit.score
        FROM stop_word_rows(query.stop_words, query.required, 'm.id = ANY ($1)', row_ids, cardinality(row_ids), NULL) AS hit;
    END IF;
    RETURN;
  END IF;
  EXECUTE bm25_statement(
    cardinality(query.words),
    concat_ws(' AND ', 'm.id = ANY ($1) AND (m.search_vector @@ ANY ($4)) IS TRUE AND ($3 IS NULL OR (m.search_vector @@ $3) IS TRUE)',
      CASE WHEN query.needed > 1 THEN bm25_enough_words() END),
    bm25_factor(query)
  )
  INTO ids, places, scores
  USING row_ids, NULL::jsonb, query.required, ARRAY[lexeme_query(query.words)], query.queries, query.weights,
    query.average_length, bm25_tf_thresholds(), NULL::integer, NULL::bigint, query.phrases, query.written, query.word_queries,
    query.needed, bm25_correction_factor(query), query.words;
  RETURN QUERY SELECT * FROM unnest(ids, scores);
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_search_page.sql
-- What bm25_search answers: the places in the table and the scores of its rows, best first, and which words were corrected.
CREATE OR REPLACE FUNCTION bm25_search_page(
  query_text text, query_tags text[], k integer, filter jsonb, OUT places tid[], OUT scores float8[], OUT corrections jsonb
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  condition text;
  query record;
  found record;
  is_page boolean;
  sought integer := k;
  min_score float8;
BEGIN
  -- Fast path: one expression. The check functions run only to build the error message.
  IF (octet_length(query_text) <= 65536 AND k BETWEEN 1 AND 1000) IS NOT TRUE THEN
    IF query_text IS NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'bm25_search: query_text must be text, got null';
    END IF;
    PERFORM check_query_text('bm25_search', query_text);
    PERFORM check_search_limit('bm25_search', k);
  END IF;
  query_tags := COALESCE(query_tags, '{}');
  filter := COALESCE(filter, '{}');
  condition := memory_filter_condition(query_tags, filter, '{after,min_score}');
  IF filter ? 'min_score' THEN
    min_score := check_min_score(filter, 0, 1);
    filter := filter - 'min_score';
  END IF;
  is_page := filter ? 'after';
  IF is_page THEN
    PERFORM check_cursor(filter);
  END IF;

  query := bm25_query(query_text, condition, query_tags, filter);
  corrections := query.corrections;
  LOOP
    found := bm25_find(query, condition, query_tags, sought, filter);
    EXIT WHEN NOT is_page OR COALESCE(cardinality(found.ids), 0) < sought;
    EXIT WHEN (SELECT count(*) FROM unnest(found.ids, found.scores) AS hit (id, score)
               WHERE is_after(hit.score, hit.id, filter)) >= k;
    sought := 4 * sought;
  END LOOP;
  places := found.places;
  scores := found.scores;
  IF is_page OR min_score IS NOT NULL THEN
    SELECT array_agg(best.place ORDER BY best.position), array_agg(best.score ORDER BY best.position) INTO places, scores
    FROM (
      SELECT * FROM unnest(found.ids, found.places, found.scores) WITH ORDINALITY AS hit (id, place, score, position)
      WHERE (NOT is_page OR is_after(hit.score, hit.id, filter)) AND (min_score IS NULL OR hit.score >= min_score * found.scores[1])
      ORDER BY hit.position LIMIT k
    ) AS best;
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_statement.sql
-- The statement that reads candidates, scores them exactly and answers the best: one row (ids, places in the table, scores,
-- candidates).
-- Written for the number of lexemes, so that a score is one expression that sums the lexemes in their order. Of a text
-- pasted as a query they are more than an expression evaluates quickly, so they are looked up in the vector instead.
-- The score is written as in bm25_row_score, so that both give the same bytes.
-- $1 query_tags, $2 filter, $3 the required tsquery, $4 the arms (any of them must match), $5 each lexeme as a tsquery,
-- $6 each lexeme's weight, $7 average length, $8 bm25_tf_thresholds(), $9 k, $10 the most candidates to read, $11 phrases,
-- $12 the words that were not corrected, $13 each word as a tsquery, $14 how many of them are needed,
-- $15 bm25_correction_factor, $16 the lexemes
CREATE OR REPLACE FUNCTION bm25_statement(lexemes integer, condition text, factor text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  most_in_expression CONSTANT integer := 200;
  score text;
  columns text;
BEGIN
  IF lexemes <= most_in_expression THEN
    SELECT string_agg(format('$6[%1$s] * (1 - norm / (tf%1$s + norm))', i), ' + ' ORDER BY i),
      string_agg(format('width_bucket(ts_rank(''{1,1,1,1}'', m.search_vector, $5[%1$s])::float8, $8) AS tf%1$s', i), ', ' ORDER BY i)
    INTO score, columns
    FROM generate_series(1, lexemes) AS i;
  ELSE
    score := '(SELECT sum(query.weight * (1 - norm / (entry.tf + norm)) ORDER BY query.place)'
      ' FROM (SELECT word.lexeme, COALESCE(cardinality(word.positions), 1) AS tf FROM unnest(search_vector) AS word) AS entry'
      ' JOIN unnest($16::text[], $6::float8[]) WITH ORDINALITY AS query (lexeme, weight, place) ON query.lexeme = entry.lexeme)';
    columns := 'm.search_vector';
  END IF;
  IF factor IS NOT NULL THEN
    score := '(' || score || ') * factor';
    columns := columns || ', ' || factor || ' AS factor';
  END IF;
  RETURN format(
    'SELECT array_agg(id), array_agg(place), array_agg(score), max(candidates)'
    ' FROM (SELECT id, place, %s AS score, count(*) OVER () AS candidates'
    ' FROM (SELECT m.id, m.ctid AS place, 1.2 * (0.25 + 0.75::float8 * m.lexeme_count / $7) AS norm, %s FROM memory_items AS m WHERE %s LIMIT $10) AS candidate'
    ' ORDER BY score DESC, id COLLATE "C" LIMIT $9) AS best',
    score, columns, condition
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/bm25_tf_thresholds.sql
-- From a rank back to a term frequency. For one lexeme and flat weights ts_rank gives (1 + 1/4 + … + 1/tf²) / 1.64493,
-- so width_bucket(ts_rank('{1,1,1,1}', search_vector, lexeme), these thresholds) is tf, and 0 where the lexeme is
-- absent: ten times cheaper than unnesting the vector. A tsvector keeps at most 255 positions a lexeme.
CREATE OR REPLACE FUNCTION bm25_tf_thresholds()
RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT array_agg(partial_sum / 1.64493406685 - 3e-6 ORDER BY tf)
    FROM (SELECT tf, sum(1 / (tf * tf)::float8) OVER (ORDER BY tf) AS partial_sum
            FROM generate_series(1, 255) AS tf) AS frequencies
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_cursor.sql
-- Refuses a filter.after that is not the place of a row in a list: {"score": its score, "id": its id}.
CREATE OR REPLACE FUNCTION check_cursor(filter jsonb)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  cursor CONSTANT jsonb := filter -> 'after';
BEGIN
  IF cursor IS NULL THEN
    RETURN;
  END IF;
  IF jsonb_typeof(cursor) = 'object' AND cursor - ARRAY['score', 'id'] = '{}'
    AND jsonb_typeof(cursor -> 'score') = 'number' AND jsonb_typeof(cursor -> 'id') = 'string'
  THEN
    -- JSON has numbers that float8 has not.
    IF (cursor ->> 'score')::numeric = 0 OR abs((cursor ->> 'score')::numeric) BETWEEN 1e-307 AND 1e307 THEN
      RETURN;
    END IF;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.after must be {"score": number, "id": string} of the last row before, got %s',
      left(cursor::text, 60));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_embedding_model.sql
-- Refuses a name or dimensions that no model can have. may_be_unnamed: whether the name may be null.
CREATE OR REPLACE FUNCTION check_embedding_model(caller text, name text, dimensions integer, may_be_unnamed boolean)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  IF name IS NULL AND NOT may_be_unnamed OR octet_length(name) NOT BETWEEN 1 AND 1024 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: name must be a text of 1 to 1024 bytes, got %s', caller,
        COALESCE(octet_length(name) || ' bytes', 'null'));
  END IF;
  IF dimensions IS NULL OR dimensions NOT BETWEEN 1 AND 4000 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: dimensions must be an integer from 1 to 4000, got %s', caller, COALESCE(dimensions::text, 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_filter_texts.sql
-- Refuses an array of a filter that has anything but strings in it.
CREATE OR REPLACE FUNCTION check_filter_texts(filter jsonb, key text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
  -- Strict, because a lax path would look into an array among the elements.
  IF jsonb_typeof(filter -> key) = 'array' AND jsonb_path_exists(filter -> key, 'strict $[*] ? (@.type() != "string")') THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.%s must be an array of strings, got %s', key, left((filter -> key)::text, 60));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/check_filter_value.sql
-- Refuses a filter value of the wrong type, by name. An absent key is fine; a null is not, because a caller who passes
-- one by mistake would get everybody's rows.
CREATE OR REPLACE FUNCTION check_filter_value(filter jsonb, key text, expected text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  came text := jsonb_typeof(filter -> key);
BEGIN
  IF came IS NULL OR came = expected THEN
    RETURN;
  END IF;
  RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
    MESSAGE = format('filter.%s must be %s, got %s', key,
      CASE expected WHEN 'array' THEN 'an array of strings' WHEN 'object' THEN 'an object' ELSE 'a ' || expected END,
      CASE came WHEN 'null' THEN 'null' ELSE came || ' ' || left((filter -> key)::text, 60) END);
END
$$;
