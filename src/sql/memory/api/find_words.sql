-- Where any of these words stands in the database, whoever wrote it: for each table of the installation the number of rows
-- that have one, as a part of any value (in any case), or as a lexeme. It reads every row of every table, and is meant for
-- tests and audits. Only tables that the caller may read are looked at; a refusal names the first that is not.
CREATE OR REPLACE FUNCTION find_words(words text[])
RETURNS TABLE (table_name text, matches bigint)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  sought text[];
  lexemes text[];
  one record;
BEGIN
  IF words IS NULL OR cardinality(words) = 0 OR array_position(words, NULL) IS NOT NULL OR '' = ANY (words) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('find_words: words must be texts that are not empty, got %s', COALESCE(left(words::text, 60), 'null'));
  END IF;
  SELECT array_agg(DISTINCT lower(word)) INTO sought FROM unnest(words) AS word;
  SELECT array_agg(DISTINCT lexeme) INTO lexemes
  FROM unnest(words) AS word, unnest(tsvector_to_array(to_tsvector('pg_catalog.english', word))) AS lexeme;
  FOR one IN
    SELECT c.oid::regclass AS name, c.relname LIKE 'search\_%' AS is_statistics
    FROM pg_catalog.pg_class AS c
    WHERE c.relkind IN ('r', 'p', 'm') AND c.relnamespace IN (
      SELECT relnamespace FROM pg_catalog.pg_class WHERE oid IN ('memory_items'::regclass, 'search_lexemes'::regclass)
    )
    ORDER BY 1
  LOOP
    table_name := one.name::text;
    IF one.is_statistics THEN
      EXECUTE format('SELECT count(*) FROM %s AS r WHERE EXISTS (SELECT FROM unnest($1 || $2) AS word'
        ' WHERE lower(r::text) ~ (''(^|[^[:alnum:]])'' || regexp_replace(word, ''([^[:alnum:]])'', ''\\\1'', ''g'') || ''($|[^[:alnum:]])''))', one.name)
      INTO matches USING sought, COALESCE(lexemes, '{}');
    ELSE
      EXECUTE format('SELECT count(*) FROM %s AS r WHERE EXISTS (SELECT FROM unnest($1) AS word WHERE strpos(lower(r::text), word) > 0)', one.name)
      INTO matches USING sought;
    END IF;
    IF matches > 0 THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END
$$;
