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
-- source: src/sql/memory/hybrid_factor_candidates.sql
-- The candidates of hybrid_search where recency or importance counts and the fusion is convex: those of
-- hybrid_candidates, and after that every row that could still be among the best k, so that the result is that of
-- scoring every match.
--
-- A leg offers its best rows without regard to the factor, so a new and important row may be missing. But what it could
-- score is known: what was not offered is worth at most what the last offered row is on each leg (nothing, where a leg
-- had no more rows), times a factor of at most 1. If the k-th best candidate reaches more, nothing is missing. If not,
-- only rows whose factor exceeds (k-th score / that bound) can be: the legs are asked again for those alone, and for
-- more of them, until it is proven or there are no others. The maxima that scores are divided by do not change
-- meanwhile: each leg's best row is there from the start.
-- As exact as the legs are: a vector index finds nearly all neighbours, the exact scan all.
--
-- nearest has all candidates; leg_filter is the filter without the options of hybrid_search.
CREATE OR REPLACE FUNCTION hybrid_factor_candidates(
  INOUT lexemes text[], is_fuzzy boolean, required tsquery, query_embedding vector, condition text, query_tags text[],
  k integer, offered integer, bm25_weight float8, vector_weight float8, filter jsonb, leg_filter jsonb,
  OUT keyword_ids text[], OUT keyword_scores float8[], OUT nearest text[]
)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  factor CONSTANT text := 'memory_factor(m.created_at, m.importance, $2) >= ($2 ->> ''least_factor'')::float8';
  narrowed text := condition;
  narrowed_filter jsonb := leg_filter;
  legs record;
  best_score float8;
  best_similarity float8;
  most float8;
  reached float8;
  least_factor float8;
  oldest float8;
BEGIN
  -- The cursor's row must be among the candidates, because its score moves with the time.
  EXECUTE format('SELECT ARRAY(SELECT m.id FROM memory_items AS m WHERE m.id = $4 AND %s'
    ' AND ($3 IS NULL OR m.search_vector @@ $3))', condition)
  INTO nearest
  USING query_tags, leg_filter, required, filter #>> '{after,id}';

  LOOP
    legs := hybrid_candidates(
      lexemes, is_fuzzy, required, query_embedding, narrowed, query_tags, offered, narrowed_filter
    );
    lexemes := legs.lexemes;
    is_fuzzy := false;
    keyword_ids := legs.keyword_ids;
    keyword_scores := legs.keyword_scores;
    nearest := ARRAY(SELECT unnest(nearest) UNION SELECT unnest(legs.nearest) UNION SELECT unnest(keyword_ids));
    best_score := COALESCE(best_score, keyword_scores[1]);
    best_similarity := COALESCE(best_similarity, legs.similarities[1]);
    EXIT WHEN cardinality(keyword_ids) < offered AND cardinality(legs.nearest) < offered;

    most := (
      bm25_weight * COALESCE(keyword_scores[offered] / NULLIF(best_score, 0), 0)
      + vector_weight * COALESCE((legs.similarities[offered] + 1) / NULLIF(best_similarity + 1, 0), 0)
    ) / (bm25_weight + vector_weight);
    reached := COALESCE((
      SELECT scored.score
      FROM hybrid_scores(
        nearest, keyword_ids, keyword_scores, lexemes, required, query_embedding, bm25_weight, vector_weight,
        'convex', filter
      ) AS scored
      ORDER BY scored.score DESC
      LIMIT 1 OFFSET k - 1
    ), 0);
    EXIT WHEN reached > most * (1 + 1e-6);

    least_factor := reached / most * (1 - 1e-6);
    offered := offered * 8;
    narrowed := condition || ' AND ' || factor;
    narrowed_filter := leg_filter || jsonb_build_object('least_factor', least_factor)
      || COALESCE((SELECT jsonb_object_agg(key, value) FROM jsonb_each(filter) WHERE key IN ('recency', 'importance')), '{}');
    -- The same for recency alone, in words that an index understands.
    oldest := -log(2::numeric, greatest(least_factor, 1e-30)::numeric) * (filter ->> 'recency')::float8 + 1;
    IF oldest < 36500 THEN
      narrowed := narrowed || ' AND m.created_at >= now() - ($2 ->> ''oldest'')::float8 * interval ''1 day''';
      narrowed_filter := narrowed_filter || jsonb_build_object('oldest', oldest);
    END IF;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/hybrid_scores.sql
-- The candidates of hybrid_search with their score on both legs, their ranks among each other and the combined score:
-- the formulas are in hybrid_search's header. keyword_ids and keyword_scores are what the keyword leg has scored; the
-- others among the candidates are scored here, because they may share a word with the query all the same.
-- With filter.after only those behind the cursor. Its row is looked up, because its score moves with the time where
-- recency counts; where it is gone, the score that it had is taken.
CREATE OR REPLACE FUNCTION hybrid_scores(
  candidates text[], keyword_ids text[], keyword_scores float8[], lexemes text[], required tsquery,
  query_embedding vector, bm25_weight float8, vector_weight float8, fusion text, filter jsonb
)
RETURNS TABLE (
  id text, bm25 float8, similarity float8, score float8, bm25_rank bigint, vector_rank bigint
)
LANGUAGE plpgsql STABLE ROWS 100
AS $$
#variable_conflict use_column
DECLARE
  has_factor CONSTANT boolean := filter ?| '{recency,importance}';
BEGIN
  RETURN QUERY
    WITH keyword AS MATERIALIZED (
      SELECT hit.id, hit.score FROM unnest(keyword_ids, keyword_scores) AS hit (id, score)
      UNION ALL
      SELECT rest.id, rest.score
      FROM bm25_score_rows(
        lexemes, required, ARRAY(SELECT unnest(candidates) EXCEPT SELECT unnest(keyword_ids))
      ) AS rest
    ),
    candidate AS (
      SELECT unnest(candidates) AS id
      UNION
      SELECT keyword.id FROM keyword
    ),
    scored AS (
      SELECT m.id, keyword.score AS bm25, 1 - (m.embedding <=> l2_normalize(query_embedding)) AS similarity,
        CASE WHEN has_factor THEN memory_factor(m.created_at, m.importance, filter) END AS factor
      FROM candidate
      JOIN memory_items AS m ON m.id = candidate.id
      LEFT JOIN keyword ON keyword.id = candidate.id
    ),
    ranked AS (
      SELECT scored.*,
        max(scored.bm25) OVER () AS best_bm25,
        max(scored.similarity) OVER () AS best_similarity,
        CASE WHEN scored.bm25 IS NOT NULL THEN
          row_number() OVER (ORDER BY scored.bm25 DESC NULLS LAST, scored.id COLLATE "C") END AS bm25_rank,
        CASE WHEN scored.similarity IS NOT NULL THEN
          row_number() OVER (ORDER BY scored.similarity DESC NULLS LAST, scored.id COLLATE "C") END AS vector_rank
      FROM scored
    ),
    fused AS (
      SELECT ranked.*,
        CASE fusion
          WHEN 'convex' THEN
            (bm25_weight * COALESCE(ranked.bm25 / NULLIF(ranked.best_bm25, 0), 0)
              + vector_weight * COALESCE((ranked.similarity + 1) / NULLIF(ranked.best_similarity + 1, 0), 0))
            / (bm25_weight + vector_weight)
          ELSE
            COALESCE(bm25_weight / (60 + ranked.bm25_rank), 0) + COALESCE(vector_weight / (60 + ranked.vector_rank), 0)
        END AS score
      FROM ranked
    ),
    combined AS (
      SELECT fused.id, fused.bm25, fused.similarity, fused.score * COALESCE(fused.factor, 1) AS score,
        fused.bm25_rank, fused.vector_rank
      FROM fused
    ),
    cursor AS (
      SELECT jsonb_build_object('after', jsonb_build_object(
        'id', filter #> '{after,id}',
        'score', COALESCE(
          (SELECT combined.score FROM combined WHERE combined.id = filter #>> '{after,id}'),
          (filter #>> '{after,score}')::float8
        )
      )) AS place
    )
    SELECT combined.*
    FROM combined
    WHERE NOT filter ? 'after' OR is_after(combined.score, combined.id, (SELECT cursor.place FROM cursor));
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/is_after.sql
-- Whether a row comes after the cursor filter.after in a list that is sorted by score, best first, ties by id.
CREATE OR REPLACE FUNCTION is_after(score float8, id text, filter jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT score < (filter #>> '{after,score}')::float8
    OR (score = (filter #>> '{after,score}')::float8 AND id COLLATE "C" > (filter #>> '{after,id}') COLLATE "C")
$$;
--> statement-breakpoint
-- source: src/sql/memory/is_trigram_similar.sql
-- Whether two words are as alike as pg_trgm.similarity_threshold asks: pg_trgm's operator %, bound like
-- trigram_similarity. It is inlined, so that an index of trigrams serves it.
CREATE OR REPLACE FUNCTION is_trigram_similar(one text, other text)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN one % other;
--> statement-breakpoint
-- source: src/sql/memory/lexeme_query.sql
-- A tsquery that any of the lexemes satisfies; null for none. The text form of a one-lexeme tsvector is quoted just as
-- tsquery's input wants it, whatever characters the lexeme has. In groups, because PostgreSQL reads and evaluates a
-- tsquery by recursion: one chain of the 10,000 words of a long text would exceed the stack.
CREATE OR REPLACE FUNCTION lexeme_query(lexemes text[])
RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT string_agg('(' || chunk.query || ')', '|')::tsquery
  FROM (
    SELECT string_agg(array_to_tsvector(ARRAY[given.lexeme])::text, '|') AS query
    FROM unnest(lexemes) WITH ORDINALITY AS given (lexeme, place)
    GROUP BY (given.place - 1) / 128
  ) AS chunk
$$;
--> statement-breakpoint
-- source: src/sql/memory/memory_factor.sql
-- What recency and importance make of a row's score, where a search asks for them (filter.recency, filter.importance):
-- a factor from 0 to 1, and 1 for a row that is new and important.
--
-- recency: a half-life in days. The factor is 2 ^ -(age / recency), the age being that of created_at (when it was said
--   or learnt: updated_at also moves when an embedding is written); 1 for a time to come. It ends at 2 ^ -500, so that
--   nothing is ever too small for a number.
-- importance: how much the column counts, 0 to 1 (true is 1). The factor is 1 - filter.importance * (1 - importance).
CREATE OR REPLACE FUNCTION memory_factor(created_at timestamptz, importance real, filter jsonb)
RETURNS float8
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT
    CASE WHEN filter ? 'recency' THEN
      power(2, -(
        least(
          greatest(extract(epoch FROM now() - created_at)::float8 / 86400, 0),
          500 * least((filter ->> 'recency')::float8, 1e9)
        ) / least((filter ->> 'recency')::float8, 1e9)
      ))
    ELSE 1 END
    * CASE jsonb_typeof(filter -> 'importance')
      WHEN 'number' THEN 1 - (filter ->> 'importance')::float8 * (1 - importance::float8)
      WHEN 'boolean' THEN CASE WHEN (filter -> 'importance')::boolean THEN importance::float8 ELSE 1 END
      ELSE 1
    END
$$;
--> statement-breakpoint
-- source: src/sql/memory/memory_filter_condition.sql
-- The condition under which a row of memory_items (alias m) passes the caller's filters, as SQL that names the values
-- only as parameters: $1 is query_tags, $2 is filter. Conditions that were not asked for are left out, so that the
-- planner sees just the ones that count. Every search builds its query on this, and every check of a filter is here.
--
-- options: the keys beyond the common ones that the calling function supports.
CREATE OR REPLACE FUNCTION memory_filter_condition(query_tags text[], filter jsonb, options text[] DEFAULT '{}')
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
  common constant text[] := '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy}';
  conditions text[] := ARRAY['(m.expires_at IS NULL OR m.expires_at > now())'];
  unknown text;
BEGIN
  IF array_position(query_tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'query_tags must be strings, got a null among them';
  END IF;
  IF jsonb_typeof(filter) <> 'object' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter must be a JSON object, got %s %s', jsonb_typeof(filter), left(filter::text, 60));
  END IF;
  IF filter - 'fuzzy' <> '{}' OR jsonb_typeof(filter -> 'fuzzy') <> 'boolean' THEN
    SELECT given.key INTO unknown
    FROM jsonb_object_keys(filter) AS given (key)
    WHERE given.key <> ALL (common || options)
    ORDER BY given.key COLLATE "C"
    LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter has the key "%s", expected only: %s', left(unknown, 60), array_to_string(common || options, ', '));
    END IF;
    PERFORM check_filter_value(filter, key, expected)
    FROM unnest(
      '{namespace,speaker_id,all_tags,since,until,metadata,ids,fuzzy}'::text[],
      '{string,string,boolean,string,string,object,array,boolean}'::text[]
    ) AS value (key, expected);
    -- Strict, because a lax path would look into an array among the ids; silent, because a strict one wants the key.
    IF jsonb_path_exists(filter, 'strict $.ids[*] ? (@.type() != "string")', silent => true) THEN
      RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
        MESSAGE = format('filter.ids must be an array of strings, got %s', left((filter -> 'ids')::text, 60));
    END IF;
  END IF;

  IF cardinality(query_tags) > 0 THEN
    conditions := conditions || CASE WHEN (filter -> 'all_tags')::boolean THEN 'm.tags @> $1' ELSE 'm.tags && $1' END;
  END IF;
  IF filter ? 'namespace' THEN
    conditions := conditions || 'm.namespace = ($2 ->> ''namespace'')'::text;
  END IF;
  IF filter ? 'speaker_id' THEN
    conditions := conditions || 'm.speaker_id = ($2 ->> ''speaker_id'')'::text;
  END IF;
  IF filter ? 'since' THEN
    PERFORM check_filter_time(filter, 'since');
    conditions := conditions || 'm.created_at >= ($2 ->> ''since'')::timestamptz'::text;
  END IF;
  IF filter ? 'until' THEN
    PERFORM check_filter_time(filter, 'until');
    conditions := conditions || 'm.created_at < ($2 ->> ''until'')::timestamptz'::text;
  END IF;
  IF filter ? 'metadata' THEN
    conditions := conditions || 'm.metadata @> ($2 -> ''metadata'')'::text;
  END IF;
  IF filter ? 'ids' THEN
    conditions := conditions || 'm.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2 -> ''ids'')))'::text;
  END IF;
  RETURN array_to_string(conditions, ' AND ');
END
$$;
--> statement-breakpoint
-- path: definer
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/nearest_lexeme.sql
-- The lexeme of the corpus that is most like one that nobody wrote, or null when none is similar enough. A word with a
-- digit is never replaced: 2024 is not a misspelt 2023. Words that were written since the last fold are in the log, which
-- has no index for this: of them only those with the same first letter are compared, and where bulk statements wrote
-- many of these only some thousand, so that a misspelt word never costs what a large backlog holds.
-- SECURITY DEFINER, because nobody may read the vocabulary: it gives one word for one word, and none to a role that
-- row-level security keeps from some rows, because the word may be in those alone.
CREATE OR REPLACE FUNCTION nearest_lexeme(lexeme text)
RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path FROM CURRENT
SET enable_seqscan = off
AS $$
DECLARE
  least_similarity CONSTANT real := 0.4;
  most_chunks CONSTANT integer := 16; -- of 64 words
  letter CONSTANT text := left(nearest_lexeme.lexeme, 1);
  after_letter CONSTANT text := letter || chr(1114111);
  threshold_before text;
  similar_lexemes text[];
  counted record;
BEGIN
  IF nearest_lexeme.lexeme ~ '\d' OR is_isolated_session() THEN
    RETURN NULL;
  END IF;
  -- The operator % can use the index, and takes its threshold from a setting (which is not SET on the function, because
  -- only a superuser may do that before pg_trgm is loaded). Asking for a similarity loads it.
  PERFORM trigram_similarity('', '');
  threshold_before := current_setting('pg_trgm.similarity_threshold');
  PERFORM set_config('pg_trgm.similarity_threshold', least_similarity::text, true);
  WITH log AS MATERIALIZED (
    SELECT entries.xid, entries.entry, entries.lexemes FROM search_log_entries() AS entries
  ), logged AS (
    SELECT unnest(tsvector_to_array(log.lexemes)) AS lexeme FROM log
    UNION ALL
    -- A chunk is a sorted part of an entry: these may have words with the letter.
    SELECT unnest(newest.lexemes)
    FROM (
      SELECT chunk.lexemes
      FROM log
      CROSS JOIN LATERAL (
        SELECT chunk.lexemes FROM search_log_lexemes AS chunk
        WHERE chunk.xid = log.xid AND chunk.entry = log.entry AND chunk.first_lexeme < after_letter
          AND chunk.first_lexeme >= COALESCE((
            SELECT max(before.first_lexeme) FROM search_log_lexemes AS before
            WHERE before.xid = log.xid AND before.entry = log.entry AND before.first_lexeme <= letter
          ), letter)
        LIMIT most_chunks
      ) AS chunk
      ORDER BY log.entry DESC
      LIMIT most_chunks
    ) AS newest
  )
  SELECT array_agg(DISTINCT written.lexeme)
  INTO similar_lexemes
  FROM (
    SELECT folded.lexeme FROM search_vocabulary AS folded WHERE is_trigram_similar(folded.lexeme, nearest_lexeme.lexeme)
    UNION ALL
    SELECT logged.lexeme
    FROM logged
    WHERE starts_with(logged.lexeme, letter) AND strpos(logged.lexeme, chr(1)) = 0
      AND is_trigram_similar(logged.lexeme, nearest_lexeme.lexeme)
  ) AS written;
  PERFORM set_config('pg_trgm.similarity_threshold', threshold_before, true);

  counted := read_search_statistics(COALESCE(similar_lexemes, '{}'));
  RETURN (
    SELECT candidate.lexeme
    FROM unnest(similar_lexemes, counted.document_frequencies) AS candidate (lexeme, frequency)
    WHERE candidate.frequency > 0 AND trigram_similarity(candidate.lexeme, nearest_lexeme.lexeme) >= least_similarity
    ORDER BY trigram_similarity(candidate.lexeme, nearest_lexeme.lexeme) DESC, candidate.frequency DESC, candidate.lexeme COLLATE "C"
    LIMIT 1
  );
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/memory/parse_search_query.sql
-- What a person's query asks for. Plain words are ranked and all optional; `"a phrase"` must occur and is ranked too;
-- `-word` and `-"a phrase"` must not occur. Anything else, an unclosed quote or a lone minus among it, is plain text.
--
-- lexemes: the lexemes to rank by, in byte order, each as often as the query says it: what is repeated counts more, as
--   in BM25's usual definition (measured on the collection cisi, whose questions are long: nDCG@10 0.42 against 0.33
--   with distinct lexemes). Empty for stop words alone.
-- required: what must hold, null where nothing must. Of so many words only, because PostgreSQL reads and evaluates a
--   tsquery by recursion, and one of thousands of words in a row would exceed the stack.
CREATE OR REPLACE FUNCTION parse_search_query(query_text text, OUT lexemes text[], OUT required tsquery)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  english constant regconfig := 'pg_catalog.english';
  rest text := query_text;
  phrases text[] := '{}';
  exclusions text[] := '{}';
  most_required constant integer := 1000;
  words bigint;
BEGIN
  -- A minus counts only at the start of a word: state-of-the-art excludes nothing.
  IF rest ~ '["-]' THEN
    exclusions := ARRAY(SELECT hit[1] FROM regexp_matches(rest, '(?<!\S)-"([^"]*)"', 'g') AS hit);
    rest := regexp_replace(rest, '(?<!\S)-"[^"]*"', ' ', 'g');
    phrases := ARRAY(SELECT hit[1] FROM regexp_matches(rest, '"([^"]*)"', 'g') AS hit);
    rest := regexp_replace(rest, '"[^"]*"', ' ', 'g');
    exclusions := exclusions || ARRAY(SELECT hit[1] FROM regexp_matches(rest, '(?<!\S)-([^\s-]\S*)', 'g') AS hit);
    rest := regexp_replace(rest, '(?<!\S)-[^\s-]\S*', ' ', 'g');
  END IF;

  lexemes := ARRAY(
    SELECT given.lexeme
    FROM unnest(to_tsvector(english, concat_ws(' ', rest, array_to_string(phrases, ' ')))) AS given
    CROSS JOIN LATERAL unnest(given.positions) AS occurrence
    ORDER BY given.lexeme COLLATE "C"
  );
  IF phrases || exclusions = '{}' THEN
    RETURN;
  END IF;
  -- Counted before the phrases are put together, as deep as they may be.
  SELECT count(*) INTO words
  FROM unnest(phrases || exclusions) AS given (text)
  CROSS JOIN LATERAL ts_parse('pg_catalog.default', given.text) AS token
  WHERE token.tokid <> 12; -- 12 is the space between words
  IF words > most_required THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('query_text must have at most %s words in phrases and exclusions, got %s', most_required, words);
  END IF;
  SELECT string_agg('(' || part.query::text || ')', ' & ')::tsquery INTO required
  FROM (
    SELECT phraseto_tsquery(english, phrase) FROM unnest(phrases) AS phrase
    UNION ALL
    SELECT !!phraseto_tsquery(english, exclusion) FROM unnest(exclusions) AS exclusion
  ) AS part (query)
  WHERE numnode(part.query) > 0;
END
$$;
--> statement-breakpoint
-- source: src/sql/memory/quote_lexeme.sql
-- A lexeme as the text of a tsquery that finds exactly it, whatever characters it has.
CREATE OR REPLACE FUNCTION quote_lexeme(lexeme text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT '''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || ''''
$$;
--> statement-breakpoint
-- source: src/sql/memory/trigram_similarity.sql
-- How alike two words are by their trigrams, 0 to 1: pg_trgm's similarity(), bound when this is made, so that SECURITY
-- DEFINER functions need not have the extension's schema in their path.
CREATE OR REPLACE FUNCTION trigram_similarity(one text, other text)
RETURNS real
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN similarity(one, other);
