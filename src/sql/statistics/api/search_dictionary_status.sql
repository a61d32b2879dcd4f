-- Whether the stored lexemes are what this server would make of the texts today. After an upgrade of the server in place
-- (pg_upgrade) they may not be: PostgreSQL 18 stems some words otherwise than 17, and a search for one would miss the rows
-- written before. reindex_search makes them anew.
--   is_current: false where the stemmers answer otherwise than when the rows were indexed, or the server's major version is another
--   indexed_version, server_version: major versions of the server, then and now
--   reindexed_to: the id up to which a reindex in progress has come; null where there is none
CREATE OR REPLACE FUNCTION search_dictionary_status(
  OUT is_current boolean, OUT indexed_version integer, OUT server_version integer, OUT reindexed_to text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
AS $$
DECLARE
  noted search_dictionary;
  now_fingerprint CONSTANT text := search_fingerprint();
BEGIN
  server_version := current_setting('server_version_num')::integer / 10000;
  SELECT * INTO noted FROM search_dictionary WHERE indexed_in = (
    SELECT pg_class.oid FROM pg_class WHERE relname = 'memory_items' AND relnamespace = to_regnamespace(quote_ident(installation_schema()))
  );
  indexed_version := COALESCE(noted.server_version, server_version);
  is_current := noted.fingerprint IS NULL OR (noted.fingerprint = now_fingerprint AND indexed_version = server_version);
  reindexed_to := CASE WHEN noted.reindexing = now_fingerprint THEN noted.reindexed_to END;
END
$$;
