-- Appends what one statement did to memory_items to the statistics log. Every row is the writer's own and only ever
-- inserted, so writers wait for nobody and cannot deadlock. A statement of a few rows leaves one log row a document
-- (a tsvector of its lexemes: cheap to write, tested in C by readers); a bulk statement is added up first, so that
-- readers need not walk through what it loaded.
-- An update counts only where the text changed, or its lexemes did, because the server's stemmers are other ones (any update
-- computes them anew): the statistics depend on nothing else.
CREATE OR REPLACE FUNCTION log_memory_items_change()
RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
  few_rows CONSTANT integer := 32;
  documents bigint;
  total_length bigint;
  lexemes text[];
  document_frequencies bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO search_log (documents, total_length, lexemes)
    SELECT 1, new_rows.lexeme_count, strip(new_rows.search_vector) FROM new_rows
    WHERE (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    SELECT count(*), sum(new_rows.lexeme_count) INTO documents, total_length FROM new_rows;
    IF documents = 0 THEN
      RETURN NULL;
    END IF;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, count(*) AS documents
      FROM new_rows, unnest(tsvector_to_array(new_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSIF TG_OP = 'DELETE' THEN
    INSERT INTO search_log (documents, total_length, lexemes)
    SELECT -1, -old_rows.lexeme_count, strip(old_rows.search_vector) FROM old_rows
    WHERE (SELECT count(*) FROM (SELECT FROM old_rows LIMIT few_rows + 1) AS changed) <= few_rows;
    IF FOUND THEN
      RETURN NULL;
    END IF;
    SELECT -count(*), -sum(old_rows.lexeme_count) INTO documents, total_length FROM old_rows;
    IF documents = 0 THEN
      RETURN NULL;
    END IF;
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, -count(*) AS documents
      FROM old_rows, unnest(tsvector_to_array(old_rows.search_vector)) AS word
      GROUP BY 1 ORDER BY 1
    ) AS counted;

  ELSE
    IF (SELECT count(*) FROM (SELECT FROM new_rows LIMIT few_rows + 1) AS changed) <= few_rows THEN
      INSERT INTO search_log (documents, total_length, lexemes)
      SELECT -1, -before.lexeme_count, strip(before.search_vector) FROM old_rows AS before
      WHERE NOT EXISTS (SELECT FROM new_rows AS after WHERE after.id = before.id AND after.text = before.text AND after.search_vector = before.search_vector)
      UNION ALL
      SELECT 1, after.lexeme_count, strip(after.search_vector) FROM new_rows AS after
      WHERE NOT EXISTS (SELECT FROM old_rows AS before WHERE before.id = after.id AND before.text = after.text AND before.search_vector = after.search_vector);
      RETURN NULL;
    END IF;
    IF NOT EXISTS (
      SELECT new_rows.id, new_rows.text, new_rows.search_vector FROM new_rows
      EXCEPT SELECT old_rows.id, old_rows.text, old_rows.search_vector FROM old_rows
    ) THEN
      RETURN NULL;
    END IF;
    documents := 0;
    total_length := (SELECT sum(lexeme_count) FROM new_rows) - (SELECT sum(lexeme_count) FROM old_rows);
    SELECT array_agg(counted.lexeme), array_agg(counted.documents)
    INTO lexemes, document_frequencies
    FROM (
      SELECT word COLLATE "C" AS lexeme, sum(changed.sign) AS documents
      FROM (
        SELECT 1 AS sign, new_rows.search_vector FROM new_rows
        UNION ALL
        SELECT -1, old_rows.search_vector FROM old_rows
      ) AS changed, unnest(tsvector_to_array(changed.search_vector)) AS word
      GROUP BY 1 HAVING sum(changed.sign) <> 0 ORDER BY 1
    ) AS counted;
  END IF;

  PERFORM log_bulk_change(documents, total_length, lexemes, document_frequencies);
  RETURN NULL;
END
$$;
