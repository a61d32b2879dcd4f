-- A usage (null counts as nothing) with more added to it. Costs are decimal, so that a thousand small ones add up.
CREATE OR REPLACE FUNCTION sum_usage(usage jsonb, input_tokens bigint, output_tokens bigint, cost numeric)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT jsonb_build_object(
    'input_tokens', coalesce((usage ->> 'input_tokens')::bigint, 0) + input_tokens,
    'output_tokens', coalesce((usage ->> 'output_tokens')::bigint, 0) + output_tokens,
    'cost', coalesce((usage ->> 'cost')::numeric, 0) + cost
  )
$$;
