-- The rows that answer a query of words which are not indexed, such as The Who, IT, Who is Will? or to be or not to be: those
-- that have the words, two or more, side by side in any case, or one that the query spells as a name (with a capital, and not
-- as the first of several) spelt so. Articles, prepositions and conjunctions in small letters alone ask for nothing. A score is higher the more of that a row has and the nearer its spelling; of equals the shorter first.
-- They are looked for in the text itself, with the help of its trigram index. Where more than 10,000 rows match, the best of
-- 10,000 of them are answered.
-- required: what must hold besides; condition: as memory_filter_condition gives it, about $1 (query_tags) and $2 (filter)
CREATE OR REPLACE FUNCTION stop_word_rows(query_text text, required tsquery, condition text, query_tags text[], k integer, filter jsonb)
RETURNS TABLE (id text, place tid, score float8)
LANGUAGE plpgsql STABLE ROWS 10
AS $$
#variable_conflict use_column
DECLARE
  most_rows CONSTANT integer := 10000;
  words CONSTANT text[] := ARRAY(SELECT hit[1] FROM regexp_matches(query_text, '(\w+)', 'g') AS hit LIMIT 32);
  phrase CONSTANT text := CASE
    WHEN cardinality(words) > 1 AND (query_text ~ '[A-Z]' OR NOT words <@ '{a,an,the,of,and,or,to,in,on,at,by,for,with}'::text[]) THEN '\m' || array_to_string(words, '\W+') || '\M'
  END;
  name text := '\m(?:' || array_to_string(ARRAY(
    SELECT word FROM unnest(words) WITH ORDINALITY AS word (word, position)
    WHERE word ~ '^[A-Z]' AND (position > 1 OR cardinality(words) = 1)
  ), '|') || ')\M';
BEGIN
  IF name = '\m(?:)\M' THEN
    name := NULL;
  END IF;
  IF phrase IS NULL AND name IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY EXECUTE format($query$
    SELECT found.id, found.place, found.score
    FROM (
      SELECT m.id, m.ctid AS place,
        COALESCE((m.text ~* $3)::integer + (m.text ~ $3)::integer, 0) + COALESCE((m.text ~ $4)::integer, 0)
          + COALESCE((m.text ~ ('[^\s.!?]\s+' || $4))::integer, 0) + 1 / (1 + ln(1 + length(m.text)))::float8 AS score
      FROM memory_items AS m
      WHERE (m.text ~* $3 OR m.text ~ $4) AND (%s) AND ($7 IS NULL OR m.search_vector @@ $7)
      LIMIT $5
    ) AS found
    ORDER BY found.score DESC, found.id COLLATE "C"
    LIMIT $6
    $query$, condition)
  USING query_tags, filter, phrase, name, most_rows, k, required;
END
$$;
