-- Refuses values of the filter keys that only hybrid_search has (recency, importance, diversity, candidates), and a
-- diversity together with a cursor: what is most different depends on what was chosen before, which a cursor does not
-- say. Ranges are compared as numeric, because JSON has numbers that float8 has not.
CREATE OR REPLACE FUNCTION check_ranking_options(filter jsonb, k integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  most_candidates CONSTANT integer := 10000;
  most_compared CONSTANT bigint := 5000000;
  came text;
  given numeric;
BEGIN
  PERFORM check_filter_value(filter, key, 'number') FROM unnest('{recency,diversity,candidates}'::text[]) AS key;
  given := (filter ->> 'recency')::numeric;
  IF given NOT BETWEEN 1e-300 AND 1e300 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.recency must be a finite number of days above 0, got %s', left(filter ->> 'recency', 60));
  END IF;
  given := (filter ->> 'diversity')::numeric;
  IF given <> 0 AND given NOT BETWEEN 1e-300 AND 1 THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.diversity must be a number from 0 to 1, got %s', left(filter ->> 'diversity', 60));
  END IF;
  given := (filter ->> 'candidates')::numeric;
  IF given NOT BETWEEN k AND most_candidates OR given <> trunc(given) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.candidates must be a whole number from k = %s to %s, got %s',
        k, most_candidates, left(filter ->> 'candidates', 60));
  END IF;
  IF filter ? 'diversity' AND k * COALESCE((filter ->> 'candidates')::bigint, greatest(100, 4 * k)) > most_compared THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.diversity compares k times filter.candidates rows: expected at most %s, got %s',
        most_compared, k * COALESCE((filter ->> 'candidates')::bigint, greatest(100, 4 * k)));
  END IF;
  came := jsonb_typeof(filter -> 'importance');
  given := CASE came WHEN 'number' THEN filter ->> 'importance' END::numeric;
  IF came NOT IN ('number', 'boolean') OR (given <> 0 AND given NOT BETWEEN 1e-300 AND 1) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('filter.importance must be true, false or a number from 0 to 1, got %s',
        left((filter -> 'importance')::text, 60));
  END IF;
  IF filter ? 'after' AND filter ? 'diversity' THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = 'filter.after and filter.diversity cannot be combined: expected one of them, got both',
      HINT = 'Ask for as many diverse rows as are needed with k, and page through a list without diversity.';
  END IF;
END
$$;
