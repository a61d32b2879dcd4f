-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/isolation/bm25_search_by_grants.sql
-- bm25_search for an isolated role, as fast as with a filter: made with the rights of the owner, whom row-level security does
-- not keep from the search index (@@ is not leakproof), and narrowed to the namespaces that were granted. All that comes
-- from the caller is data: a text, tags, a number and a filter, which is checked as any other.
CREATE OR REPLACE FUNCTION bm25_search_by_grants(query_text text, query_tags text[], k integer, filter jsonb)
RETURNS TABLE (id text, text text, tags text[], created_at timestamptz, score float8)
LANGUAGE plpgsql STABLE ROWS 10 SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN QUERY EXECUTE format('SELECT * FROM %I.bm25_search($1, $2, $3, $4)', installation_schema())
    USING query_text, query_tags, k, filter_by_grants(filter);
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/isolation/check_namespaces.sql
-- Refuses a role that is not there and namespaces that are none, in the name of the function that was called.
CREATE OR REPLACE FUNCTION check_namespaces(caller text, role_name text, namespaces text[])
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  PERFORM check_role(caller, role_name);
  IF namespaces IS NULL OR array_position(namespaces, NULL) IS NOT NULL OR '' = ANY (namespaces) THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: namespaces must be names, got %s', caller,
        COALESCE(left(namespaces::text, 60), 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/isolation/filter_by_grants.sql
-- A search's filter, narrowed to the namespaces that grant_namespaces gave the role outside: the one that SET ROLE chose,
-- else the login, which nobody can forge. Only within a SECURITY DEFINER function, whose current user is its owner.
-- Where the filter asks for one namespace that the role has, or it has but one, that is said in the words of a filter, for
-- which the searches keep plans.
CREATE OR REPLACE FUNCTION filter_by_grants(filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
DECLARE
  caller CONSTANT name := COALESCE(NULLIF(current_setting('role'), 'none'), session_user);
  place CONSTANT regclass := format('%I.memory_items', installation_schema())::regclass;
  own text[];
  roots text[];
BEGIN
  IF row_security_active(place) OR NOT isolation_is_only_policy(place) OR NOT has_table_privilege(caller, place, 'SELECT') THEN
    RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
      MESSAGE = format('permission denied: "%s" may not search by what it was granted', caller);
  END IF;
  SELECT COALESCE(array_agg(given.namespace ORDER BY given.namespace), '{}'),
    COALESCE(array_agg(given.namespace ORDER BY given.namespace) FILTER (WHERE given.below), '{}')
  INTO own, roots
  FROM namespace_roles AS given WHERE given.role = to_regrole(quote_ident(caller));

  IF filter ->> 'namespace' = ANY (own) OR is_below(filter ->> 'namespace', roots) THEN
    RETURN filter - 'granted';
  ELSIF roots = '{}' AND cardinality(own) = 1 AND NOT filter ? 'namespace' THEN
    RETURN filter - 'granted' || jsonb_build_object('namespace', own[1]);
  END IF;
  RETURN filter || jsonb_build_object('granted', jsonb_build_object('namespaces', own, 'below', roots));
END
$$;
--> statement-breakpoint
-- source: src/sql/isolation/has_own_memory.sql
-- Whether a row of this id is there that the caller may see: for the policy of enable_namespace_isolation, which lets a
-- row keep its id. With the caller's rights, so that it says nothing about the rows of others; VOLATILE, so
-- that it sees what was committed during a long statement.
CREATE OR REPLACE FUNCTION has_own_memory(id text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM memory_items AS m WHERE m.id = has_own_memory.id);
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/isolation/hybrid_search_by_grants.sql
-- hybrid_search for an isolated role: see bm25_search_by_grants. The embedding comes as text, because the type's schema is
-- not in the path of a SECURITY DEFINER function.
CREATE OR REPLACE FUNCTION hybrid_search_by_grants(
  query_text text, query_embedding text, query_tags text[], k integer, bm25_weight float8, vector_weight float8,
  filter jsonb, fusion text
)
RETURNS TABLE (
  id text, text text, tags text[], created_at timestamptz, bm25_score float8, vector_score float8,
  combined_score float8, bm25_rank integer, vector_rank integer
)
LANGUAGE plpgsql STABLE ROWS 10 SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT * FROM %1$I.hybrid_search($1, %1$I.parse_embedding($2), $3, $4, $5, $6, $7, $8)', installation_schema()
  ) USING query_text, query_embedding, query_tags, k, bm25_weight, vector_weight, filter_by_grants(filter), fusion;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/isolation/is_below.sql
-- Whether a namespace, read as a path, lies below one of the roots: 'users/ana/trips' below 'users/ana', which
-- 'users/anabel' is not.
CREATE OR REPLACE FUNCTION is_below(namespace text, roots text[])
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM unnest(roots) AS root WHERE starts_with(namespace, root || '/'));
--> statement-breakpoint
-- source: src/sql/isolation/is_isolated_session.sql
-- Whether row-level security keeps the rows of memory_items from whoever sent the statement. row_security_active asks
-- that for the current user, which in a SECURITY DEFINER function is its owner; this asks for the one outside: the role
-- that SET ROLE chose, else the session's. Neither can be set to a role that the session may not be.
CREATE OR REPLACE FUNCTION is_isolated_session()
RETURNS boolean
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
  SELECT memory.relrowsecurity AND NOT (
    outside.rolsuper OR outside.rolbypassrls OR pg_has_role(outside.oid, memory.relowner, 'USAGE')
  )
  FROM pg_class AS memory, pg_roles AS outside
  WHERE memory.oid = to_regclass(format('%I.memory_items', installation_schema()))
    AND outside.rolname = COALESCE(NULLIF(current_setting('role'), 'none'), session_user)
$$;
--> statement-breakpoint
-- source: src/sql/isolation/is_key_of_other.sql
-- Whether an id is that of a key in another namespace ('3:ana/profile', see namespacedId): a tenant may not take the names
-- of another's memories. The number is the length of the namespace in bytes, and the slash stands behind so many.
CREATE OR REPLACE FUNCTION is_key_of_other(id text, namespace text)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  number CONSTANT text := substring(id FROM '^([1-9]\d{0,3}):');
  slash CONSTANT integer := octet_length(number) + 1 + number::integer;
BEGIN
  IF number IS NULL OR octet_length(id) <= slash
    OR starts_with(id, octet_length(namespace) || ':' || namespace || '/')
  THEN
    RETURN false;
  END IF;
  RETURN get_byte(convert_to(id, 'UTF8'), slash) = ascii('/');
END
$$;
--> statement-breakpoint
-- source: src/sql/isolation/isolation_is_only_policy.sql
-- Whether the policy of enable_namespace_isolation is the only one that a table has.
CREATE OR REPLACE FUNCTION isolation_is_only_policy(place regclass)
RETURNS boolean
LANGUAGE sql STABLE
RETURN COALESCE((
  SELECT bool_and(policy.polname = 'memory_items_namespace') FROM pg_catalog.pg_policy AS policy WHERE policy.polrelid = place
), false);
--> statement-breakpoint
-- source: src/sql/isolation/may_search_by_grants.sql
-- Whether a search may be made with the rights of the owner, narrowed by a filter to what grant_namespaces gave the caller
-- (bm25_search_by_grants): the caller is the role outside, so no function of somebody else's stands in between; namespace
-- isolation is the only policy that keeps rows from it; and it may read the table.
-- Asked with the rights of the caller.
CREATE OR REPLACE FUNCTION may_search_by_grants()
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN row_security_active('memory_items')
    AND current_setting('row_security') = 'on'
    AND current_user = COALESCE(NULLIF(current_setting('role'), 'none'), session_user)
    AND has_table_privilege('memory_items', 'SELECT')
    AND isolation_is_only_policy('memory_items'::regclass);
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/isolation/may_take_id.sql
-- Whether a new row may have this id, which is unique over all namespaces: not if a row of another namespace has it, and
-- not if it looks like a default id, the hash of a memory's content, and is not that of this very content, nor like that of
-- a key in another namespace. For the policy of enable_namespace_isolation.
-- It reads all rows, but gives nothing away: of an id that is no hash anybody can learn whether it is taken by trying to
-- insert it, and for the hash of something else the answer is no, whether it is taken or not.
-- VOLATILE, so that it sees what was committed during a long statement.
CREATE OR REPLACE FUNCTION may_take_id(id text, namespace text, text text, tags text[])
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
DECLARE
  is_allowed boolean;
BEGIN
  EXECUTE format($query$
    SELECT ($1 !~ '^[0-9a-f]{64}$' OR $1 = %1$I.memory_id($2, $3, $4))
      AND NOT is_key_of_other($1, $2)
      AND NOT EXISTS (SELECT FROM %1$I.memory_items AS m WHERE m.id = $1 AND m.namespace <> $2)
    $query$, installation_schema())
  INTO is_allowed USING may_take_id.id, may_take_id.namespace, may_take_id.text, may_take_id.tags;
  RETURN is_allowed;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/isolation/set_namespace_policy.sql
-- Makes the policy of enable_namespace_isolation anew. It names the roots of paths only where somebody was granted one: what
-- it costs to look for them would be paid by every role for every row that is not its own, and no index would serve.
CREATE OR REPLACE FUNCTION set_namespace_policy()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
SET client_min_messages = warning
AS $$
DECLARE
  granted CONSTANT text := 'ARRAY(SELECT own.namespace FROM namespace_roles AS own'
    ' WHERE own.role = to_regrole(quote_ident(current_user))%s)';
  visible text := format('namespace = ANY (%s)', format(granted, ''));
BEGIN
  IF EXISTS (SELECT FROM namespace_roles AS given WHERE given.below) THEN
    visible := format('(%s OR is_below(namespace, %s))', visible, format(granted, ' AND own.below'));
  END IF;
  DROP POLICY IF EXISTS memory_items_namespace ON memory_items;
  EXECUTE format(
    'CREATE POLICY memory_items_namespace ON memory_items USING (%1$s)'
    ' WITH CHECK (%1$s AND (may_take_id(id, namespace, text, tags) OR has_own_memory(id)))', visible);
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/isolation/api/disable_namespace_isolation.sql
-- Undoes enable_namespace_isolation: whoever has rights on memory_items sees all of it again. What grant_namespaces gave
-- stays for the next time. Where memory_items has policies of somebody else's, row-level security stays on for them.
CREATE OR REPLACE FUNCTION disable_namespace_isolation()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET client_min_messages = warning
AS $$
BEGIN
  DROP POLICY IF EXISTS memory_items_namespace ON memory_items;
  IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = 'memory_items'::regclass) THEN
    ALTER TABLE memory_items DISABLE ROW LEVEL SECURITY;
  END IF;
  REVOKE ALL ON namespace_roles FROM PUBLIC;
  DROP POLICY IF EXISTS namespace_roles_own ON namespace_roles;
  ALTER TABLE namespace_roles DISABLE ROW LEVEL SECURITY;
END
$$;
--> statement-breakpoint
-- source: src/sql/isolation/api/enable_namespace_isolation.sql
-- Row-level security by namespace: from now on a role sees, finds, writes and deletes only rows of the namespaces that
-- grant_namespaces gave it, whatever it calls. The owner of the table, superusers and roles with BYPASSRLS still see
-- all, so services must not connect as one of them. Rights on the table itself are needed as well (GRANT). May be called
-- again; disable_namespace_isolation undoes it.
--
-- The policies name current_user, which is the login or what SET ROLE made of it, and which nobody can forge; a setting
-- could be set by whoever can run a statement. They read namespace_roles in place, not through a function: a policy is
-- parsed once, now, so that no search_path of the role changes what it means. Of that table a role sees its own rows.
--
-- Ids are unique over all namespaces, and two things follow from that. The WHERE of an INSERT … ON CONFLICT DO UPDATE is
-- asked of the row that has the id before row-level security is (PostgreSQL 15 to 18): by its answer the text of a row
-- of another namespace could be read. So an id that another namespace has is refused before that (may_take_id). And
-- default ids are hashes of namespace, text and tags: whoever could try any hash would learn whether a guessed memory
-- exists elsewhere. So an id that looks like a hash must be the row's own, or that of a row which the role already sees.
CREATE OR REPLACE FUNCTION enable_namespace_isolation()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET client_min_messages = warning
AS $$
BEGIN
  DROP POLICY IF EXISTS namespace_roles_own ON namespace_roles;
  CREATE POLICY namespace_roles_own ON namespace_roles FOR SELECT
    USING (role = to_regrole(quote_ident(current_user)));
  ALTER TABLE namespace_roles ENABLE ROW LEVEL SECURITY;
  REVOKE ALL ON namespace_roles FROM PUBLIC;
  GRANT SELECT ON namespace_roles TO PUBLIC;

  PERFORM set_namespace_policy();
  ALTER TABLE memory_items ENABLE ROW LEVEL SECURITY;
END
$$;
--> statement-breakpoint
-- source: src/sql/isolation/api/grant_namespaces.sql
-- Gives a role the rows of these namespaces, beside those that it has: under enable_namespace_isolation it sees no
-- others. Answers how many are new. Who may write namespace_roles may call it with effect: its owner.
-- below: true where a namespace is a path, and everything below it is granted as well: with 'users/ana' also
-- 'users/ana/trips', and not 'users/anabel'.
CREATE OR REPLACE FUNCTION grant_namespaces(role_name text, namespaces text[], below boolean DEFAULT false)
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  granted integer;
BEGIN
  PERFORM check_namespaces('grant_namespaces', role_name, namespaces);
  INSERT INTO namespace_roles AS known (role, namespace, below)
  SELECT DISTINCT to_regrole(quote_ident(role_name)), given.namespace, COALESCE(grant_namespaces.below, false)
  FROM unnest(namespaces) AS given (namespace)
  ON CONFLICT ON CONSTRAINT namespace_roles_pkey DO UPDATE SET below = true WHERE excluded.below AND NOT known.below;
  GET DIAGNOSTICS granted = ROW_COUNT;
  IF grant_namespaces.below AND granted > 0
    AND EXISTS (SELECT FROM pg_policy WHERE polrelid = 'memory_items'::regclass AND polname = 'memory_items_namespace')
  THEN
    PERFORM set_namespace_policy();
  END IF;
  RETURN granted;
END
$$;
--> statement-breakpoint
-- source: src/sql/isolation/api/revoke_namespaces.sql
-- Takes these namespaces from a role; all that it has where none are named (null). Answers how many it had of them.
CREATE OR REPLACE FUNCTION revoke_namespaces(role_name text, namespaces text[] DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  revoked integer;
BEGIN
  PERFORM check_namespaces('revoke_namespaces', role_name, COALESCE(namespaces, '{}'));
  DELETE FROM namespace_roles AS given
  WHERE given.role = to_regrole(quote_ident(role_name))
    AND (revoke_namespaces.namespaces IS NULL OR given.namespace = ANY (revoke_namespaces.namespaces));
  GET DIAGNOSTICS revoked = ROW_COUNT;
  RETURN revoked;
END
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/rights/api_functions.sql
-- The functions of the API: those in the installation's schema whose search_path begins with its internal one, which
-- nobody else's has. Functions that were bound when they were made have no path, and nothing to hide.
-- search_path: strict
CREATE OR REPLACE FUNCTION api_functions(OUT oid oid, OUT name text, OUT is_read boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path FROM CURRENT
AS $$
  SELECT function.oid, function.proname::text, function.provolatile <> 'v'
  FROM pg_proc AS function
  WHERE function.pronamespace = to_regnamespace(quote_ident(installation_schema()))
    AND EXISTS (
      SELECT FROM unnest(function.proconfig) AS setting
      WHERE starts_with(setting, format('search_path=%I, ', current_schema()))
    )
$$;
--> statement-breakpoint
-- source: src/sql/rights/apply_role_rights.sql
-- Gives every role of role_rights what its kind needs, after every migration and every grant:
-- - reader: searches and reads memories and jobs;
-- - service: also remembers, forgets, enqueues and settles; owns nothing, and rewrites jobs only by the job functions;
-- - worker: claims, settles and enqueues by the job functions, and reads jobs; nothing of the memories.
-- Internal functions that run with the caller's rights give nobody anything, so who searches may call them all; of those
-- that run with the owner's, only the ones that a search or a write calls.
-- search_path: strict
CREATE OR REPLACE FUNCTION apply_role_rights()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
  schema_name CONSTANT text := installation_schema();
  internal CONSTANT text := current_schema();
  called_by_searches CONSTANT text[] := ARRAY['read_search_statistics', 'nearest_lexemes', 'prefix_lexemes', 'is_isolated_session', 'may_take_id',
    'current_embedding_model', 'next_embedding_model', 'wrong_embedding', 'bm25_search_by_grants', 'hybrid_search_by_grants'];
  -- Of the owner alone, or for services but not for workers.
  for_owner CONSTANT text[] := ARRAY['enable_namespace_isolation', 'disable_namespace_isolation', 'grant_namespaces',
    'revoke_namespaces', 'grant_reader', 'grant_service', 'grant_worker', 'revoke_rights', 'rebuild_search_statistics', 'reindex_search',
    'set_job_notifications', 'set_job_events', 'use_embedding_model', 'begin_model_change',
    'finish_model_change', 'cancel_model_change', 'settle_embeddings', 'set_memory_history', 'prune_memory_history',
    'find_words'];
  for_worker CONSTANT text[] := ARRAY['claim', 'complete', 'complete_many', 'complete_and_claim', 'fail', 'fail_many', 'heartbeat', 'release',
    'snooze', 'report_progress', 'add_usage', 'wait_for', 'enqueue', 'enqueue_many', 'enqueue_children', 'take_back_expired', 'get_job',
    'list_jobs', 'job_tree', 'job_attempts_of', 'queue_stats', 'latency_stats', 'usage_stats', 'stuck_jobs',
    'add_job_output', 'job_events_after', 'save_checkpoint', 'get_checkpoint', 'due_schedules', 'enqueue_slots', 'stop_schedule',
    'seconds_to_next_slot', 'list_schedules'];
  entry record;
  command text;
BEGIN
  DELETE FROM role_rights WHERE NOT EXISTS (SELECT FROM pg_roles WHERE oid = role_rights.role);
  FOR entry IN SELECT role::text AS role, kind FROM role_rights ORDER BY role, kind LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', schema_name, entry.role);
    EXECUTE format('GRANT SELECT ON %I.jobs, %1$I.job_attempts, %1$I.job_answers, %1$I.job_queues, %1$I.job_limits, %1$I.job_events,
      %1$I.job_checkpoints, %1$I.schedules TO %s', schema_name, entry.role);
    IF entry.kind <> 'worker' THEN
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', internal, entry.role);
      -- A schema of the extensions' own, which is not everybody's.
      FOR command IN
        SELECT DISTINCT format('GRANT USAGE ON SCHEMA %I TO %s', place.nspname, entry.role)
        FROM pg_extension AS extension JOIN pg_namespace AS place ON place.oid = extension.extnamespace
        WHERE extension.extname IN ('vector', 'pg_trgm')
          AND NOT has_schema_privilege(entry.role::regrole::oid, place.oid, 'USAGE')
      LOOP
        EXECUTE command;
      END LOOP;
      -- Row by row it is for those who see the memory (src/sql/memory/storage/memory_history.sql).
      EXECUTE format('GRANT SELECT ON memory_history TO %s', entry.role);
      EXECUTE format('GRANT %s ON %I.memory_items TO %s',
        CASE entry.kind WHEN 'reader' THEN 'SELECT' ELSE 'SELECT, INSERT, UPDATE, DELETE' END, schema_name, entry.role);
    END IF;
    FOR command IN
      SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', api.oid::regprocedure, entry.role)
      FROM api_functions() AS api
      WHERE CASE entry.kind
        WHEN 'reader' THEN api.is_read
        WHEN 'service' THEN api.name <> ALL (for_owner)
        ELSE api.name = ANY (for_worker)
      END
      UNION ALL
      SELECT format('GRANT EXECUTE ON FUNCTION %s TO %s', function.oid::regprocedure, entry.role)
      FROM pg_proc AS function
      WHERE entry.kind <> 'worker' AND function.pronamespace = quote_ident(internal)::regnamespace
        AND (NOT function.prosecdef OR function.proname = ANY (called_by_searches))
        AND function.prorettype <> 'trigger'::regtype
    LOOP
      EXECUTE command;
    END LOOP;
  END LOOP;
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/check_role.sql
-- Refuses a role that is not there, in the name of the function that was called.
-- search_path: strict
CREATE OR REPLACE FUNCTION check_role(caller text, role_name text)
RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
  IF role_name IS NULL OR to_regrole(quote_ident(role_name)) IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
      MESSAGE = format('%s: role_name must be a role of this server, got %s', caller,
        COALESCE('"' || left(role_name, 60) || '"', 'null'));
  END IF;
END
$$;
--> statement-breakpoint
-- source: src/sql/rights/grant_rights.sql
-- What grant_reader, grant_service and grant_worker have in common. Services and workers change jobs by functions that run
-- as the owner of the installation, so nobody else may be able to put functions and operators of the same names into their
-- search_path: on a server that was made before PostgreSQL 15, PUBLIC may create in the schema public.
-- search_path: strict
CREATE OR REPLACE FUNCTION grant_rights(caller text, role_name text, kind text)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
  open_schema text;
BEGIN
  PERFORM check_role(caller, role_name);
  SELECT format('%I to %s', place.nspname, coalesce(quote_ident(pg_get_userbyid(nullif(granted.grantee, 0))), 'PUBLIC'))
  INTO open_schema
  FROM pg_namespace AS place, aclexplode(place.nspacl) AS granted
  WHERE (place.nspname = installation_schema() OR place.oid IN (
      SELECT extnamespace FROM pg_extension WHERE extname IN ('vector', 'pg_trgm')
    )) AND granted.privilege_type = 'CREATE'
    AND granted.grantee <> place.nspowner AND granted.grantee <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
    AND NOT EXISTS (SELECT FROM pg_roles WHERE oid = granted.grantee AND rolsuper)
  LIMIT 1;
  IF kind <> 'reader' AND open_schema IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('%s: CREATE is granted in schema %s, who could replace what the job functions call', caller, open_schema),
      HINT = 'Take it back first: REVOKE CREATE ON SCHEMA … FROM …;';
  END IF;
  INSERT INTO role_rights (role, kind) VALUES (to_regrole(quote_ident(role_name)), grant_rights.kind) ON CONFLICT DO NOTHING;
  PERFORM apply_role_rights();
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/rights/installation_schema.sql
-- The schema in which this installation is: the one whose internal schema comes first in the caller's path. For SECURITY
-- DEFINER functions, whose path leaves it out because others may be allowed to create functions there.
CREATE OR REPLACE FUNCTION installation_schema()
RETURNS text
LANGUAGE sql STABLE
AS $$
  SELECT pg_catalog.left(pg_catalog.current_schema()::pg_catalog.text, -4)
$$;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/rights/restrict_installation.sql
-- Least rights, after every migration: what is internal belongs to its owner alone, whatever PUBLIC and the database's
-- default privileges say (Supabase's give everything to anon), and functions of the API are for those who were granted
-- them. What somebody granted by hand on the API's tables and functions stays.
-- search_path: strict
CREATE OR REPLACE FUNCTION restrict_installation()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
  internal CONSTANT oid := quote_ident(current_schema())::regnamespace;
  command text;
BEGIN
  FOR command IN
    SELECT format('REVOKE ALL ON %s %s FROM %s', object.kind, object.name,
      CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END)
    FROM (
      SELECT CASE relation.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, relation.oid::regclass::text AS name,
        relation.relowner AS owner, relation.relacl AS acl, true AS is_internal
      FROM pg_class AS relation WHERE relation.relnamespace = internal AND relation.relkind IN ('r', 'p', 'v', 'S')
      UNION ALL
      SELECT 'FUNCTION', function.oid::regprocedure::text, function.proowner,
        coalesce(function.proacl, acldefault('f', function.proowner)), function.pronamespace = internal
      FROM pg_proc AS function
      WHERE function.pronamespace = internal OR function.oid IN (SELECT api.oid FROM api_functions() AS api)
    ) AS object, aclexplode(object.acl) AS granted
    WHERE granted.grantee <> object.owner AND (object.is_internal OR granted.grantee = 0)
    GROUP BY 1
  LOOP
    EXECUTE command;
  END LOOP;
  -- Under namespace isolation the policies read it, row by row their own (enable_namespace_isolation).
  IF (SELECT relrowsecurity FROM pg_class WHERE oid = 'namespace_roles'::regclass) THEN
    GRANT SELECT ON namespace_roles TO PUBLIC;
  END IF;
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION disable_namespace_isolation() SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION enable_namespace_isolation() SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION grant_namespaces(role_name text, namespaces text[], below boolean) SET search_path FROM CURRENT;
--> statement-breakpoint
ALTER FUNCTION revoke_namespaces(role_name text, namespaces text[]) SET search_path FROM CURRENT;
