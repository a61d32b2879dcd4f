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
