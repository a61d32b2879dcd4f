-- A piece of a text as highlight shows it: escaped for HTML where that was asked for.
CREATE OR REPLACE FUNCTION shown_text(piece text, as_html boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN as_html THEN
    replace(replace(replace(replace(replace(piece, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
  ELSE piece END
$$;
