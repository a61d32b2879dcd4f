-- How many more jobs of a key may start now, at most max_jobs. One row, so that it is inlined where it is joined: a scalar
-- function with subqueries is not, and would be planned again in every claim.
CREATE OR REPLACE FUNCTION key_room(queue text, limit_key text, moment timestamptz, max_jobs integer)
RETURNS TABLE (room integer)
LANGUAGE sql STABLE
AS $$
  SELECT coalesce((
    SELECT greatest(0, least(
      key_room.max_jobs,
      rule.max_running - (
        SELECT count(*) FROM (
          SELECT FROM jobs AS job
          WHERE job.queue = key_room.queue AND job.limit_key = key_room.limit_key AND job.limit_key IS NOT NULL
            AND job.status = 'running'
          LIMIT rule.max_running
        ) AS running
      ),
      -- A thousandth of a job for what the division loses.
      floor(rule.rate_burst + 0.001 - coalesce((
        SELECT greatest(0, date_part('epoch', state.next_at - key_room.moment)) FROM job_limit_states AS state
        WHERE state.queue = key_room.queue AND state.limit_key = key_room.limit_key
      ), 0) * rule.rate_limit / rule.rate_period_seconds)
    ))::integer
    FROM key_rule(key_room.queue, key_room.limit_key) AS rule
  ), key_room.max_jobs)
$$;
