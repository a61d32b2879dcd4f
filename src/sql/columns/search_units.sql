-- Characters that are found by themselves: those of Chinese, Japanese and Korean, whose words are pairs, and emoji, which
-- PostgreSQL's parser passes over. Without positions: each counts once, and nothing for the length. Null for none.
CREATE OR REPLACE FUNCTION search_units(document text)
RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT CASE WHEN document ~ '[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff\u2600-\u27bf\u2b50-\u2b55\U0001f000-\U0001faff]' THEN
    array_to_tsvector(string_to_array(
      regexp_replace(normalize(document, NFKC), '[^\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff\u2600-\u27bf\u2b50-\u2b55\U0001f000-\U0001faff]+', '', 'g'), NULL))
  END
$$;
