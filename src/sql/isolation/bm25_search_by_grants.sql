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
