-- The text of a tsquery that finds a phrase in rows of any language; '' for stop words alone.
CREATE OR REPLACE FUNCTION phrase_query(phrase text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT COALESCE(string_agg(DISTINCT '(' || form.query || ')', '|'), '')
  FROM unnest(ARRAY['pg_catalog.english'::regconfig, 'opa_plain'::regconfig, script_configuration(phrase, 0)]) AS given (configuration)
  CROSS JOIN LATERAL phraseto_tsquery(given.configuration, query_text_form(phrase)) AS meant (query)
  CROSS JOIN LATERAL (VALUES (meant.query::text), (lexeme_heads(meant.query::text))) AS form (query)
  WHERE numnode(meant.query) > 0 AND numnode(phraseto_tsquery('pg_catalog.english'::regconfig, query_text_form(phrase))) > 0
$$;
