-- Notes what the stored lexemes were made by, where that is not known: in a new database, and in a restored one, whose rows were
-- taken apart anew as they were loaded (its note is about a table that is not this one).
CREATE OR REPLACE FUNCTION record_search_dictionary()
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
BEGIN
  DELETE FROM search_dictionary WHERE indexed_in <> 'memory_items'::regclass;
  INSERT INTO search_dictionary (indexed_in, fingerprint, server_version)
  SELECT 'memory_items'::regclass, search_fingerprint(), current_setting('server_version_num')::integer / 10000
  WHERE NOT EXISTS (SELECT FROM search_dictionary);
END
$$;
