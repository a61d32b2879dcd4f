-- Whether a namespace, read as a path, lies below one of the roots: 'users/ana/trips' below 'users/ana', which
-- 'users/anabel' is not.
CREATE OR REPLACE FUNCTION is_below(namespace text, roots text[])
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN EXISTS (SELECT FROM unnest(roots) AS root WHERE starts_with(namespace, root || '/'));
