-- What a word may have been meant to be that was typed with one mistake: two neighbours swapped, one vowel for another, a
-- letter doubled or not (kind 0, the commonest), or any letter left out, added or typed for another (kind 1).
CREATE OR REPLACE FUNCTION word_edits(word text)
RETURNS TABLE (edit text, kind integer)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 500
AS $$
  WITH letter AS (
    SELECT unnest(string_to_array(CASE WHEN word ~ '[\u0430-\u044f]' THEN 'абвгдежзийклмнопрстуфхцчшщъыьэюя' ELSE 'abcdefghijklmnopqrstuvwxyz' END, NULL)) AS letter
  ), cut AS (
    SELECT left(word, i) AS head, substr(word, i + 1, 1) AS next, substr(word, i + 2) AS rest, substr(word, i + 1) AS tail
    FROM generate_series(0, length(word)) AS i
  )
  SELECT edits.edit, min(edits.kind)
  FROM (
    SELECT head || left(rest, 1) || next || substr(rest, 2), 0 FROM cut WHERE rest <> ''
    UNION ALL
    SELECT head || rest, CASE WHEN right(head, 1) = next THEN 0 ELSE 1 END FROM cut WHERE next <> ''
    UNION ALL
    SELECT head || letter || rest, CASE WHEN letter ~ '[aeiouyаеиоуыэюя]' AND next ~ '[aeiouyаеиоуыэюя]' THEN 0 ELSE 1 END FROM cut, letter WHERE next <> ''
    UNION ALL
    SELECT head || letter || tail, CASE WHEN right(head, 1) = letter THEN 0 ELSE 1 END FROM cut, letter
  ) AS edits (edit, kind)
  WHERE edits.edit <> word
  GROUP BY edits.edit
$$;
