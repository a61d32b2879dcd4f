-- Notes for claim(), in a setting of the session, where the living entries of a queue begin: those of its running jobs, and
-- those of its pending jobs of one priority. What a claim saw is no more than a snapshot; that nothing will appear before
-- a start later on follows from three facts:
--
-- * Each note has a moment, and a horizon: the number of the next transaction then. When claim() began and found all
--   earlier ones ended (pg_snapshot_xmin), whatever it could not see was written by later ones, after that moment.
-- * Jobs are ready, or running, by the clock of their writing: what is yet to appear comes behind that moment, less a tenth
--   of a second. This is what claim() calls safe; while an earlier transaction goes on it is -infinity, and no start moves.
-- * Whatever is made ready with a run_at of longer ago is marked as backdated by the triggers, which read the clock when
--   their transaction has its number; those are few, and claim() asks for them apart.
--
-- A clock that was set back, or rows that were written past the triggers, can make it miss a job; so after ten seconds
-- nothing noted is believed, and the indexes are read from their beginning. The leases of jobs that nobody waits for need
-- no more than that.
--
-- One priority is noted, that of the first job; while a higher one has jobs the note stays as it is. The setting is an array:
-- 1 the queue's hash, 2 when it was noted, 3 when the indexes were last read from their beginning, 4 where running jobs
-- start, 5 and 6 the moment and the horizon, 7 the priority, 8 where its pending jobs start; times are seconds since 1970,
-- and the last two null until the first horizon has passed. Where reading from the beginning is not long, nothing is noted.
CREATE OR REPLACE FUNCTION note_queue_starts(
  queue text,
  moment timestamptz,
  noted float8[],
  is_known boolean,
  safe float8,
  is_long boolean,
  level smallint,
  first_run_at timestamptz
)
RETURNS void
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
  -- As many bits as a float8 holds.
  hash CONSTANT float8 := hashtextextended(note_queue_starts.queue, 0) >> 11;
  setting CONSTANT text := 'opa.claim_' || (hashtext(note_queue_starts.queue) & 15);
  seconds CONSTANT float8 := date_part('epoch', moment);
  -- Of another queue, or of a clock that has been set back since, a note says nothing.
  is_same CONSTANT boolean := coalesce(noted[1] = hash AND noted[2] <= seconds, false);
  place CONSTANT float8 := coalesce(level, CASE WHEN is_known THEN noted[7] END, 0);
  first_started_at timestamptz;
BEGIN
  IF is_known AND level > noted[7] THEN
    RETURN;
  END IF;
  IF NOT is_known AND NOT is_long THEN
    -- Another queue's note is left to it while it is worth something.
    IF is_same OR noted[2] NOT BETWEEN seconds - 10 AND seconds THEN
      PERFORM set_config(setting, '', false);
    END IF;
    RETURN;
  END IF;
  SELECT job.started_at INTO first_started_at FROM jobs AS job
  WHERE job.queue = note_queue_starts.queue AND job.status = 'running'
    AND job.started_at >= CASE WHEN is_known THEN to_timestamp(noted[4]) ELSE '-infinity' END
  ORDER BY job.started_at LIMIT 1;

  PERFORM set_config(setting, ARRAY[
    hash, seconds,
    CASE WHEN is_known THEN noted[3] ELSE seconds END,
    greatest(CASE WHEN is_known THEN noted[4] END, least(date_part('epoch', first_started_at), safe)),
    -- In a transaction that keeps its snapshot, that is as old as the transaction.
    CASE WHEN is_same AND safe = '-infinity' THEN noted[5] ELSE least(date_part('epoch', now()), seconds) END,
    CASE WHEN is_same AND safe = '-infinity' THEN noted[6] ELSE pg_snapshot_xmax(pg_current_snapshot())::text::float8 END,
    CASE WHEN is_known OR safe > '-infinity' THEN place END,
    CASE WHEN is_known OR safe > '-infinity' THEN
      greatest(CASE WHEN is_known AND noted[7] = place THEN noted[8] END, least(date_part('epoch', first_run_at), safe))
    END
  ]::text, false);
END
$$;
