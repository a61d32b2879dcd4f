-- Whether split_compounds may change a text: most texts need no more than this look.
CREATE OR REPLACE FUNCTION has_compounds(document text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT document ~ '[./@:\\&=?#+][[:alnum:]]|-\d|<[/[:alpha:]]|[a-z][A-Z]|\d,\d{3}|\d{7}|\(\d|0\d+[ /]\d'
$$;
