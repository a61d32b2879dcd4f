-- The scripts, other than Latin, in which at least this share of a text is written, each as chr(2) and a letter: a lexeme that no
-- text can contain. A document has these among its lexemes, so that the statistics know how many documents each script has.
CREATE OR REPLACE FUNCTION text_scripts(document text, least_share float8)
RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT COALESCE(array_agg(E'\x02' || script.letter ORDER BY script.place), '{}')
  FROM (VALUES
    (1, 'j', '\u3041-\u3096\u30a1-\u30ff\u31f0-\u31ff'), (2, 'k', '\uac00-\ud7a3'),
    (3, 'h', '\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff'),
    (4, 'r', '\u0400-\u052f'), (5, 'a', '\u0600-\u06ff'), (6, 'g', '\u0370-\u03ff\u1f00-\u1fff'), (7, 'd', '\u0900-\u097f'),
    (8, 't', '\u0e00-\u0e7f'), (9, 'o', '\u0e80-\u0eff'), (10, 'b', '\u1000-\u109f'), (11, 'q', '\u1780-\u17ff'),
    (12, 'w', '\u0590-\u05ff'), (13, 'm', '\u0b80-\u0bff'), (14, 'n', '\u0530-\u058f'), (15, 'e', '\u10a0-\u10ff'),
    (16, 'i', '\u0980-\u09ff')
  ) AS script (place, letter, range)
  WHERE document ~ ('[' || script.range || ']')
    AND (least_share = 0 OR length(regexp_replace(document, '[^' || script.range || ']+', '', 'g')) >= least_share * length(document))
$$;
