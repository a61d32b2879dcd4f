-- A job and all its descendants, the deepest first and each level by id: the order in which every function that waits for
-- rows of a tree locks them, which is also the way up that the end of a child takes.
CREATE OR REPLACE FUNCTION descendants(job_id text)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
BEGIN
  RETURN ARRAY(
    WITH RECURSIVE descendant (id, depth) AS (
      SELECT descendants.job_id COLLATE "C", 0
      UNION ALL
      SELECT child.id, descendant.depth + 1
      FROM descendant JOIN jobs AS child ON child.parent_id = descendant.id
    )
    SELECT descendant.id FROM descendant ORDER BY descendant.depth DESC, descendant.id
  );
END
$$;
