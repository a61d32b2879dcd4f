-- What the models cost: the usage of the jobs that ended within the last `period` and of those that have not ended,
-- summed by model, the dearest first.
--
--   SELECT model, jobs, input_tokens, output_tokens, cost FROM usage_stats(period => interval '30 days');
CREATE OR REPLACE FUNCTION usage_stats(queue text DEFAULT NULL, period interval DEFAULT interval '1 day')
RETURNS TABLE (model text, jobs bigint, input_tokens bigint, output_tokens bigint, cost numeric)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
DECLARE
  ended_after timestamptz := jobs_now() - usage_stats.period;
BEGIN
  PERFORM check_period('usage_stats', usage_stats.period);
  RETURN QUERY
    SELECT share.key, count(*), sum((share.value ->> 'input_tokens')::bigint)::bigint,
      sum((share.value ->> 'output_tokens')::bigint)::bigint, sum((share.value ->> 'cost')::numeric)
    FROM (
      SELECT job.queue, job.usage FROM jobs AS job
      WHERE job.completed_at IS NOT NULL AND job.completed_at > ended_after
      UNION ALL
      SELECT job.queue, job.usage FROM jobs AS job WHERE job.status = 'pending' AND job.limit_key IS NULL
      UNION ALL
      SELECT job.queue, job.usage FROM jobs AS job WHERE job.status = 'pending' AND job.limit_key IS NOT NULL
      UNION ALL
      SELECT job.queue, job.usage FROM jobs AS job WHERE job.status = 'running'
      UNION ALL
      SELECT job.queue, job.usage FROM jobs AS job WHERE job.status = 'waiting'
    ) AS one
    CROSS JOIN LATERAL jsonb_each(one.usage -> 'by_model') AS share
    WHERE usage_stats.queue IS NULL OR one.queue = usage_stats.queue
    GROUP BY share.key
    ORDER BY sum((share.value ->> 'cost')::numeric) DESC, share.key;
END
$$;
