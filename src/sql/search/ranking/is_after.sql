-- Whether a row comes after the cursor filter.after in a list that is sorted by score, best first, ties by id.
CREATE OR REPLACE FUNCTION is_after(score float8, id text, filter jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT score < (filter #>> '{after,score}')::float8
    OR (score = (filter #>> '{after,score}')::float8 AND id COLLATE "C" > (filter #>> '{after,id}') COLLATE "C")
$$;
