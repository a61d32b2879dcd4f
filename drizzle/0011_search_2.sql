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
-- source: src/sql/search/bm25/bm25_query.sql
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
-- source: src/sql/search/bm25/bm25_row_score.sql
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
-- source: src/sql/search/bm25/bm25_scan.sql
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
-- source: src/sql/search/bm25/bm25_score_rows.sql
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
-- source: src/sql/search/bm25/bm25_search_page.sql
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
-- source: src/sql/search/bm25/bm25_statement.sql
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
-- source: src/sql/search/bm25/bm25_tf_thresholds.sql
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
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/bm25/api/bm25_score.sql
-- The BM25 score that a text would have for a query if its statistics were the corpus's: STABLE, because they change.
-- Misspelt words are not corrected; 0 when a phrase does not occur or an exclusion does. On an empty corpus the average
-- length is the text's own.
CREATE OR REPLACE FUNCTION bm25_score(
  query_text text, doc_text text, k1 float8 DEFAULT 1.2, b float8 DEFAULT 0.75
)
RETURNS float8
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  query record;
  units tsvector;
  document tsvector;
  length integer;
BEGIN
  IF query_text IS NULL OR doc_text IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = format('bm25_score: query_text and doc_text must be text, got null for %s',
        CASE WHEN query_text IS NULL THEN 'query_text' ELSE 'doc_text' END);
  END IF;
  IF k1 IS NULL OR NOT (k1 >= 0 AND k1 <= 1000) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: k1 must be from 0 to 1000, got %s', COALESCE(k1::text, 'null'));
  END IF;
  IF b IS NULL OR NOT (b >= 0 AND b <= 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('bm25_score: b must be from 0 to 1, got %s', COALESCE(b::text, 'null'));
  END IF;
  PERFORM check_query_text('bm25_score', query_text);

  query := bm25_query(query_text, NULL, '{}', NULL);
  document := search_words(doc_text);
  length := position_count(document);
  units := search_units(doc_text);
  IF units IS NOT NULL THEN
    document := document || units;
  END IF;
  IF query.required IS NOT NULL AND NOT document @@ query.required THEN
    RETURN 0;
  END IF;
  RETURN bm25_document_score(
    document, length, CASE WHEN query.total_length > 0 THEN query.average_length ELSE length END, query.words,
    ARRAY(SELECT weight / 2.2 FROM unnest(query.weights) WITH ORDINALITY AS word (weight, place) ORDER BY place), k1, b
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/api/bm25_search.sql
-- Keyword search: the k best rows by BM25 (k1 = 1.2, b = 0.75) among those that share a lexeme with the query and pass
-- the filters. Statistics are over all rows, so a filter narrows the results and never changes a score. The result is
-- that of scoring every match, but few matches are read: see bm25_find.
--
-- query_text: words, "phrases", -exclusions, begin*; with filter.operators = false prose, see parse_search_query
-- query_tags: any of them must be on a row; filter.all_tags = true: all of them; none: no tag filter
-- k: 1 to 1000
-- filter: namespace, speaker_id, all_tags, since, until, metadata, ids;
--   fuzzy: false: words that no row has are not replaced by the nearest one (bm25_search_corrected says which were). Rows that
--     have a word as it was typed come before those that match by corrections alone.
--   operators: false: quotes and minuses are characters (true by default in this function)
--   prefix: true: the last word stands for all that begin so
--   min_match: 0 to 1, the least share of the query's words that a row must have
--   after: {"score": score, "id": id} of the last row of the page before. Pages join to the list that a larger k gives.
--     The search is made longer until it reaches beyond the cursor, so a page costs more the further back it is.
--   min_score: 0 to 1, the least share of the best score (that of the first row of the first page) that a row must have
CREATE OR REPLACE FUNCTION bm25_search(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  found record;
BEGIN
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT * FROM bm25_search_by_grants(query_text, query_tags, k, filter);
      RETURN;
    END IF;
  END IF;
  found := bm25_search_page(query_text, query_tags, k, filter);
  -- By their places, which nobody changes for the snapshot that found them, and which cost no index.
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score
    FROM unnest(found.places, found.scores) AS best (place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    ORDER BY best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- source: src/sql/search/bm25/api/bm25_search_corrected.sql
-- As bm25_search, and says which words were corrected, of the whole query in each row: corrections has for each such word, as
-- it was typed, the lexeme that was taken for it; null where nothing was corrected.
CREATE OR REPLACE FUNCTION bm25_search_corrected(
  query_text text, query_tags text[] DEFAULT '{}', k integer DEFAULT 10, filter jsonb DEFAULT '{}'
)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8, corrections jsonb)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
  found record;
BEGIN
  -- For an isolated role nothing is corrected: see nearest_lexemes.
  IF row_security_active('memory_items') THEN
    IF may_search_by_grants() THEN
      RETURN QUERY SELECT *, NULL::jsonb FROM bm25_search_by_grants(query_text, query_tags, k, filter);
      RETURN;
    END IF;
  END IF;
  found := bm25_search_page(query_text, query_tags, k, filter);
  RETURN QUERY
    SELECT m.id, m.text, m.tags, m.created_at, best.score, found.corrections
    FROM unnest(found.places, found.scores) AS best (place, score)
    JOIN memory_items AS m ON m.ctid = best.place
    ORDER BY best.score DESC, m.id COLLATE "C";
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/search/vector/check_query_embedding.sql
-- Refuses a query vector that has no direction among the embeddings: of other dimensions than the current model's, zero,
-- or of another model, where filter.model says which one made it. (A typmod on a function's argument is not enforced,
-- and the model is data.)
CREATE OR REPLACE FUNCTION check_query_embedding(caller text, query_embedding vector, filter jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
DECLARE
  model record;
BEGIN
  IF filter ? 'model' AND jsonb_typeof(filter -> 'model') <> 'string' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.model must be a string, the name of the model that made query_embedding, got %s', left((filter -> 'model')::text, 60));
  END IF;
  IF query_embedding IS NULL THEN
    RETURN;
  END IF;
  model := current_embedding_model();
  IF vector_dims(query_embedding) <> model.dimensions OR filter ->> 'model' <> model.name THEN
    PERFORM wrong_embedding(
      caller || ': query_embedding', model.name, model.dimensions,
      CASE WHEN filter ->> 'model' <> model.name THEN filter ->> 'model' END, vector_dims(query_embedding)
    );
  END IF;
  IF vector_norm(query_embedding) = 0 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: query_embedding must have a direction, got a zero vector', caller);
  END IF;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION bm25_score(query_text text, doc_text text, k1 float8, b float8) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_search(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION bm25_search_corrected(query_text text, query_tags text[], k integer, filter jsonb) SET search_path FROM CURRENT;
