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
