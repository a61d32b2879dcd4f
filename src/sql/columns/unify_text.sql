-- A text in one form of writing, for texts with characters beyond ASCII: compatibility forms unified (NFKC), ё as е, without
-- the vowel points of Hebrew and Arabic, Latin letters without diacritics (before stemming: the English stemmer knows
-- none). Scripts that are written without spaces, and Hangul, whose endings are, become overlapping pairs of characters;
-- Thai, Lao, Khmer and Burmese pairs of syllable units, a unit being a consonant with its vowels and marks.
CREATE OR REPLACE FUNCTION unify_text(document text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  t text := document;
BEGIN
  -- Most texts have nothing but Latin letters, dashes and quotes.
  IF t ~ '[^\x01-\x7e\u00c0-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u01cd-\u01f0\u01f4-\u024f\u2010\u2012-\u2015\u2018-\u2022]' THEN
    IF t IS NOT NFKC NORMALIZED THEN
      t := normalize(t, NFKC);
    END IF;
    IF t ~ '[ёЁ\u0591-\u05c7\u064b-\u065f\u0670]' THEN
      t := regexp_replace(replace(replace(t, 'ё', 'е'), 'Ё', 'Е'), '[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]+', '', 'g');
    END IF;
    IF t ~ '[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]' THEN
      t := regexp_replace(t, '[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]+', ' \& ', 'g');
      t := regexp_replace(t, '(?<=[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff])[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff](?=[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3041-\u3096\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff])', '\& \&', 'g');
    END IF;
    IF t ~ '[\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u104c-\u109f\u1780-\u17d3]' THEN
      -- chr(1) ends a unit for a moment.
      t := regexp_replace(t, '[\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u104c-\u109f\u1780-\u17d3]+', ' \& ', 'g');
      t := regexp_replace(t, '[\u0e40-\u0e44\u0ec0-\u0ec4]?[\u0e01-\u0e2f\u0e81-\u0eaf\u0edc-\u0edf\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3](?:[\u1039\u17d2][\u1000-\u102a\u1780-\u17b3]|[\u0e30-\u0e3a\u0e45-\u0e4e\u0eb0-\u0ebd\u0ec6-\u0ecf\u102b-\u1038\u103a-\u103e\u1056-\u109f\u17b4-\u17d3])*',
        E'\\&\x01', 'g');
      t := replace(regexp_replace(t, E'(?<=\x01)[^\x01 ]+(?=\x01[\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u104c-\u109f\u1780-\u17d3])', '\& \&', 'g'), E'\x01', '');
    END IF;
  END IF;
  IF t ~ '[\u00c0-\u024f\u1e00-\u1eff]' THEN
    t := regexp_replace(normalize(t, NFD), '(?<=[A-Za-z])[\u0300-\u036f]+', '', 'g');
    IF t ~ '[đłøıħŧĐŁØĦŦßæœÆŒ]' THEN
      t := replace(replace(replace(translate(t, 'đłøıħŧĐŁØĦŦ', 'dloihtDLOHT'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
      t := replace(replace(t, 'Æ', 'Ae'), 'Œ', 'Oe');
    END IF;
    IF octet_length(t) > length(t) THEN
      t := normalize(t, NFC);
    END IF;
  END IF;
  RETURN t;
END
$$;
