-- Whatever default privileges gave to others when the tables and views were made, once: later grants are somebody's will.
DO $$
DECLARE
  command text;
BEGIN
  FOR command IN
    SELECT DISTINCT format('REVOKE ALL ON TABLE %s FROM %s', relation.oid::regclass,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END)
    FROM pg_class AS relation, aclexplode(relation.relacl) AS granted
    WHERE relation.oid = ANY (ARRAY[
        'memory_items', 'jobs', 'job_attempts', 'job_answers', 'job_queues', 'job_limits', 'job_events', 'job_checkpoints',
        'schedules', 'job_latency_stats', 'job_queue_stats', 'job_stuck', 'job_usage_stats', 'job_dead_letters'
      ]::regclass[])
      AND granted.grantee <> relation.relowner
  LOOP
    EXECUTE command;
  END LOOP;
END
$$;
