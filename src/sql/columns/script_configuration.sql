-- The stemmer of a script where at least this share of a text is written in one that has a stemmer of its own, else null.
CREATE OR REPLACE FUNCTION script_configuration(document text, least_share float8)
RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN octet_length(document) = length(document) OR document !~ '[\u0370-\u058f\u0600-\u06ff\u0900-\u097f\u0b80-\u0bff\u1f00-\u1fff]' THEN NULL
    WHEN document ~ '[\u0400-\u052f]' AND length(regexp_replace(document, '[^\u0400-\u052f]+', '', 'g')) >= least_share * length(document) THEN 'pg_catalog.russian'::regconfig
    WHEN document ~ '[\u0600-\u06ff]' AND length(regexp_replace(document, '[^\u0600-\u06ff]+', '', 'g')) >= least_share * length(document) THEN 'opa_arabic'::regconfig
    WHEN document ~ '[\u0370-\u03ff\u1f00-\u1fff]' AND length(regexp_replace(document, '[^\u0370-\u03ff\u1f00-\u1fff]+', '', 'g')) >= least_share * length(document) THEN 'opa_greek'::regconfig
    WHEN document ~ '[\u0900-\u097f]' AND length(regexp_replace(document, '[^\u0900-\u097f]+', '', 'g')) >= least_share * length(document) THEN 'pg_catalog.hindi'::regconfig
    WHEN document ~ '[\u0b80-\u0bff]' AND length(regexp_replace(document, '[^\u0b80-\u0bff]+', '', 'g')) >= least_share * length(document) THEN 'opa_tamil'::regconfig
    WHEN document ~ '[\u0530-\u058f]' AND length(regexp_replace(document, '[^\u0530-\u058f]+', '', 'g')) >= least_share * length(document) THEN 'opa_armenian'::regconfig
  END
$$;
