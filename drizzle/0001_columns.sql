-- path: of the installation
SELECT set_config('opa.schema', coalesce(nullif(current_setting('opa.schema', true), ''), current_schema(), ''), true);
--> statement-breakpoint
-- path: checked when they run
SET LOCAL check_function_bodies = off;
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/columns/has_stop_words.sql
-- Whether enough of a text's words are English stop words to take it for English. Of English texts 95 in 100 have less than
-- three quarters of their words left without the stop words, of others hardly one; and to know it costs nothing, because the
-- English parse has left them out.
CREATE OR REPLACE FUNCTION has_stop_words(document text, words tsvector)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT position_count(words) < 0.75 * (length(document) - length(replace(document, ' ', '')) + 1)
$$;
--> statement-breakpoint
-- source: src/sql/columns/is_foreign_text.sql
-- Whether a text in Latin letters that has few of the English stop words is of another language: by a letter with a
-- diacritic, or by its function words, none of which is an English word.
CREATE OR REPLACE FUNCTION is_foreign_text(document text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT document ~ '[\u00bf\u00df-\u024f\u1e00-\u1eff]'
    OR document ~ '(?<![\w''-])(?:der|das|und|ist|nicht|eine|einen|einer|ich|mit|auf|sich|wird|werden|wurde|wurden|von|dem|[Ww]ie|[Ww]er|[Ww]ann|[Ww]arum|[Ww]elche[rs]?|que|una|por|fue|como|del|cuando|donde|quien|cual|dans|une|avec|sont|cette|qui|quel|quelle|che|di|della|nel|sono|uma|foi|pelo|quem|onde|het|een|niet|voor|zijn|werd|welke|hoeveel|och|att|hur|vad|nie|jest|jak|kto|gdzie|hogy|yang|dengan|apa|siapa|bir|hangi|kim)(?![\w''-])'
$$;
--> statement-breakpoint
-- source: src/sql/columns/jobs_now.sql
-- The only clock of the job functions: leases, deadlines and run_at are compared with it alone, so the clocks of the
-- workers' machines do not matter, and tests replace this one function to make time pass. The wall clock and not the
-- transaction's start: a lease taken late in a long transaction must not be born expired.
CREATE OR REPLACE FUNCTION jobs_now()
RETURNS timestamptz
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT clock_timestamp()
$$;
--> statement-breakpoint
-- source: src/sql/columns/new_job_id.sql
-- A new id: a UUID of version 7, which begins with the milliseconds of its making. Jobs that are made together then lie
-- together in the indexes by id, where a random id touches another page for each row (measured: a tenth of the CPU of
-- claim and complete in batches). place numbers ids that are made for the same moment, so that they sort in its order
-- (RFC 9562, method 1); the remaining 48 bits, or 74 without a place, are random.
CREATE OR REPLACE FUNCTION new_job_id(moment timestamptz, place integer DEFAULT NULL)
RETURNS text
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
  SELECT overlay(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') PLACING '-' FROM 9 FOR 0)
    || CASE
      WHEN place IS NULL THEN '-7' || substr(gen_random_uuid()::text, 16)
      ELSE '-7' || lpad(to_hex(place >> 14 & 4095), 3, '0') || '-' || to_hex(32768 + (place & 16383)) || substr(gen_random_uuid()::text, 24)
    END
$$;
--> statement-breakpoint
-- source: src/sql/columns/position_count.sql
-- How many positions a tsvector has: the length of a document. A conjunction that matches nothing ranks 1e-20, and
-- normalisation 2 divides that by the number of positions: ten times cheaper than unnesting. An empty one ranks 0.
CREATE OR REPLACE FUNCTION position_count(words tsvector)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN COALESCE(round(1e-20 / NULLIF(ts_rank(words, E'''\x01'' & ''\x02''', 2), 0)), 0)::integer;
--> statement-breakpoint
-- source: src/sql/columns/search_configurations.sql
-- How texts that are not English are stemmed. opa_plain: English stems without a list of stop words, for other languages in
-- Latin letters: their a, in and do are words. The others: the stemmer of a script, which in the stock configurations
-- leaves English words in such a text as they are. (Russian and Hindi stem them by themselves.)
CREATE TEXT SEARCH DICTIONARY opa_stem (TEMPLATE = pg_catalog.snowball, LANGUAGE = english);
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_plain (COPY = pg_catalog.english);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_plain
  ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH opa_stem;
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_arabic (COPY = pg_catalog.arabic);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_arabic ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH pg_catalog.english_stem;
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_greek (COPY = pg_catalog.greek);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_greek ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH pg_catalog.english_stem;
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_armenian (COPY = pg_catalog.armenian);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_armenian ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH pg_catalog.english_stem;
--> statement-breakpoint
CREATE TEXT SEARCH CONFIGURATION opa_tamil (COPY = pg_catalog.tamil);
--> statement-breakpoint
ALTER TEXT SEARCH CONFIGURATION opa_tamil ALTER MAPPING FOR asciiword, asciihword, hword_asciipart WITH pg_catalog.english_stem;
--> statement-breakpoint
-- source: src/sql/columns/search_units.sql
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
--> statement-breakpoint
-- source: src/sql/columns/split_compounds.sql
-- A text with its compounds in parts, so that each part is a word: paths, addresses, versions and assignments at their
-- separators, thousands joined (2,450.00). What has another form as one word or several has it at the end of the text:
-- camelCase (camel Case), initials (U.S.: US), a hyphen before digits (F-35B: F35B), the digits of a telephone number; of a
-- number with seven digits or more also the last six and four, by which people look for it.
-- Words with hyphens, and with underscores, PostgreSQL's parser takes apart by itself.
CREATE OR REPLACE FUNCTION split_compounds(document text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  t text := document;
  forms text := '';
BEGIN
  -- Most texts need no more than this look.
  IF t !~ '[./@:\\&=?#+][[:alnum:]]|-\d|<[/[:alpha:]]|[a-z][A-Z]|\d,\d{3}|\d{7}|\(\d|0\d+[ /]\d' THEN
    RETURN t;
  END IF;
  IF t ~ '[a-z][A-Z]' THEN
    forms := COALESCE((
      SELECT string_agg(' ' || regexp_replace(regexp_replace(word[1], '([a-z0-9])([A-Z])', '\1 \2', 'g'), '([A-Z])([A-Z][a-z])', '\1 \2', 'g'), '')
      FROM regexp_matches(t, '\m[A-Za-z0-9]*[a-z][A-Z][A-Za-z0-9]*', 'g') AS word
    ), '');
  END IF;
  IF t ~ '[A-Za-z]\.[A-Za-z]\.|[A-Za-z]-\d' THEN
    forms := forms || COALESCE((
      SELECT string_agg(' ' || translate(word[1], '.-', ''), '')
      FROM regexp_matches(t, '(?<![\w.@/-])((?:[A-Za-z]\.){2,}|[A-Za-z]{1,5}-\d{1,6}[A-Za-z]?)(?![\w@/-]|\.\d)', 'g') AS word
    ), '');
  END IF;
  IF t ~ '\d{3}[\d -]\d{3}' THEN
    forms := forms || COALESCE((
      SELECT string_agg(' ' || concat_ws(' ', CASE WHEN word[1] ~ '\D' THEN digits END, right(digits, 6), right(digits, 4)), '')
      FROM regexp_matches(t, '(?<![\w.,-])(\+\d[\d ()/.-]{6,}\d|\(?0\d[\d ()/-]{5,}\d|\(?\d{3}\)?[ -]\d{3}-\d{4}|\d{7,20})(?!\w)', 'g') AS word
      CROSS JOIN LATERAL regexp_replace(replace(word[1], '(0)', ''), '\D+', '', 'g') AS digits
      WHERE length(digits) BETWEEN 7 AND 20
    ), '');
  END IF;
  IF t ~ '\d,\d{3}' THEN
    t := regexp_replace(t, '(?<=\d),(?=\d{3}(?!\d))', '', 'g');
  END IF;
  RETURN regexp_replace(t, '[A-Za-z]+://|[/@:\\<>&=?#+]|-(?=\d)|(?<!\d)\.(?=\w)|(?<=\d)\.(?=[A-Za-z])', ' ', 'g') || forms;
END
$$;
--> statement-breakpoint
-- source: src/sql/columns/text_scripts.sql
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
--> statement-breakpoint
-- source: src/sql/columns/unify_text.sql
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
--> statement-breakpoint
-- source: src/sql/columns/with_layers.sql
-- A document's lexemes with its impact layers: a lexeme whose length-adjusted frequency u = tf / (0.25 + 0.75 * length / 43)
-- reaches 1.4, 2.4 or 4.5 is there again as lexeme || chr(1) || '1', '2' or '3', so that the GIN index alone says how much a
-- lexeme can be worth in a document. No text can contain such a lexeme: the parser takes chr(1) for a blank. 43 is a
-- constant, or the column could not be a generated one; a corpus of other lengths costs pruning, never exactness
-- (bm25_impact_bounds must know the same numbers).
-- words count for the length; units, which may be null, and scripts are lexemes without positions, and do not.
CREATE OR REPLACE FUNCTION with_layers(words tsvector, units tsvector, scripts text[])
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  length_norm float8;
  layers text[] := scripts;
BEGIN
  IF words <> '' THEN
    length_norm := 0.25 + 0.75 / 43 * round(1e-20 / ts_rank(words, E'''\x01'' & ''\x02''', 2));
  ELSE
    length_norm := 0.25;
  END IF;
  IF units IS NOT NULL THEN
    words := words || units;
  END IF;

  SELECT layers || array_agg(lexeme || E'\x01' || '1')
      || COALESCE(array_agg(lexeme || E'\x01' || '2') FILTER (WHERE tf >= 2.4 * length_norm), '{}')
      || COALESCE(array_agg(lexeme || E'\x01' || '3') FILTER (WHERE tf >= 4.5 * length_norm), '{}')
    INTO layers
    FROM (SELECT entry.lexeme, COALESCE(cardinality(entry.positions), 1) AS tf FROM unnest(words) AS entry OFFSET 0) AS word
   WHERE tf >= 1.4 * length_norm;

  RETURN CASE WHEN layers IS NULL THEN words ELSE words || array_to_tsvector(layers) END;
END
$$;
--> statement-breakpoint
-- source: src/sql/columns/words_of.sql
-- The lexemes of a text with their positions (see search_words, which prepares the text), by the stemmer of its script, or
-- as English, or as another language in Latin letters (foreign_configuration).
-- original: the text as it was written
CREATE OR REPLACE FUNCTION words_of(
  document text, original text, script_configuration regconfig, foreign_configuration regconfig
)
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  configuration regconfig := script_configuration;
  words tsvector;
BEGIN
  IF configuration IS NULL THEN
    words := to_tsvector('pg_catalog.english'::regconfig, document);
    IF has_stop_words(document, words) OR NOT is_foreign_text(original) THEN
      RETURN words;
    END IF;
    configuration := foreign_configuration;
  END IF;
  words := to_tsvector(configuration, document);
  -- As in lexeme_heads.
  RETURN regexp_replace(words::text, '''([a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]{6})[a-z\u00df-\u024f\u0370-\u052f\u0561-\u0587\u05d0-\u05ea\u0620-\u064a\u066e-\u06d3\u10d0-\u10ff\u1e00-\u1eff]+''', E'''\\1\x02''', 'g')::tsvector;
END
$$;
--> statement-breakpoint
-- path: schema
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema')), quote_ident(current_setting('opa.schema') || '_opa'), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/columns/api/canonical_text.sql
-- The text by which two memories are one: without white space at its ends, and composed (NFC), because "é" may be written
-- as one character or as two. The rows keep their text as it was written; only the comparison is by this.
CREATE OR REPLACE FUNCTION canonical_text(text text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN normalize(btrim(text, E' \t\n\r\f\x0B'), NFC);
--> statement-breakpoint
-- source: src/sql/columns/api/content_hash.sql
-- A hash of a memory's namespace and canonical text: the column content_hash is generated by it, and its index finds the
-- memory that says the same. A number, because its comparison is leakproof: the index serves under row-level security.
CREATE OR REPLACE FUNCTION content_hash(namespace text, text text)
RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN hashtextextended(canonical_text(text), hashtextextended(namespace, 0));
--> statement-breakpoint
-- source: src/sql/columns/api/memory_id.sql
-- The default id of a memory: the SHA-256, in hex, of the netstrings (`bytes:value,`) of namespace, text and the
-- distinct tags, sorted by their bytes. The lengths make it impossible for two different memories to spell the same
-- bytes; remembering the same thing twice gives the same row. memoryId() in TypeScript computes the same.
CREATE OR REPLACE FUNCTION memory_id(namespace text, text text, tags text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  netstrings bytea;
BEGIN
  IF memory_id.namespace IS NULL OR memory_id.text IS NULL OR array_position(memory_id.tags, NULL) IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
      MESSAGE = 'memory_id: namespace, text and every tag must be text, got null';
  END IF;
  SELECT string_agg(convert_to(octet_length(part.value) || ':' || part.value || ',', 'UTF8'), ''::bytea ORDER BY part.place, part.value COLLATE "C")
  INTO netstrings
  FROM (
    VALUES (1, memory_id.namespace), (2, memory_id.text)
    UNION ALL
    SELECT DISTINCT 3, tag.value FROM unnest(memory_id.tags) AS tag (value)
  ) AS part (place, value);
  RETURN encode(sha256(netstrings), 'hex');
END
$$;
--> statement-breakpoint
-- source: src/sql/columns/api/parse_embedding.sql
-- A vector from its text form, '[0.1, 0.2]', for clients: the type's own name cannot be written without knowing in which
-- schema pgvector is. Bound to the type when it is made, so it needs no search_path and is inlined.
CREATE OR REPLACE FUNCTION parse_embedding(value text)
RETURNS vector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN value::vector;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/columns/bound/script_configuration.sql
-- The stemmer of a script where at least this share of a text is written in one that has a stemmer of its own, else null.
CREATE OR REPLACE FUNCTION script_configuration(document text, least_share float8)
RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN octet_length(document) = length(document) OR document !~ '[\u0370-\u058f\u0600-\u06ff\u0900-\u097f\u0b80-\u0bff\u1f00-\u1fff]' THEN NULL
  WHEN document ~ '[\u0400-\u052f]' AND length(regexp_replace(document, '[^\u0400-\u052f]+', '', 'g')) >= least_share * length(document) THEN 'pg_catalog.russian'::regconfig
  WHEN document ~ '[\u0600-\u06ff]' AND length(regexp_replace(document, '[^\u0600-\u06ff]+', '', 'g')) >= least_share * length(document) THEN 'opa_arabic'::regconfig
  WHEN document ~ '[\u0370-\u03ff\u1f00-\u1fff]' AND length(regexp_replace(document, '[^\u0370-\u03ff\u1f00-\u1fff]+', '', 'g')) >= least_share * length(document) THEN 'opa_greek'::regconfig
  WHEN document ~ '[\u0900-\u097f]' AND length(regexp_replace(document, '[^\u0900-\u097f]+', '', 'g')) >= least_share * length(document) THEN 'pg_catalog.hindi'::regconfig
  WHEN document ~ '[\u0b80-\u0bff]' AND length(regexp_replace(document, '[^\u0b80-\u0bff]+', '', 'g')) >= least_share * length(document) THEN 'opa_tamil'::regconfig
  WHEN document ~ '[\u0530-\u058f]' AND length(regexp_replace(document, '[^\u0530-\u058f]+', '', 'g')) >= least_share * length(document) THEN 'opa_armenian'::regconfig
END;
--> statement-breakpoint
-- source: src/sql/columns/bound/search_words.sql
-- The lexemes of a text with their positions: what BM25 counts, for documents of every language.
--   English: PostgreSQL's English stems, compounds taken apart (split_compounds).
--   Scripts with a stemmer in PostgreSQL: that stemmer's, where a quarter of the text is written in one.
--   Other languages in Latin letters: English stems without a list of stop words.
--   In all but English, long stems are kept as their heads (lexeme_heads).
--   Scripts without spaces, and Hangul: pairs of characters (unify_text).
-- Nobody says which language a text has (words_of finds out). A query has all forms that its words can have in any row
-- (query_lexemes).
--
-- Bound when it is made, so that PostgreSQL puts its expression in place of the call.
CREATE OR REPLACE FUNCTION search_words(document text)
RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN words_of(
  split_compounds(CASE WHEN octet_length(document) > length(document) THEN unify_text(document) ELSE document END),
  document, script_configuration(document, 0.25), 'opa_plain'::regconfig
);
--> statement-breakpoint
-- path: strict
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), 'pg_catalog', 'pg_temp'), true);
--> statement-breakpoint
-- source: src/sql/columns/bound/stored/layered_search_vector.sql
-- The indexed form of a text: its lexemes with positions (search_words), characters that are found by themselves
-- (search_units), its scripts (text_scripts), and impact layers (with_layers).
--
-- The column search_vector is generated by it. A stored column is not computed anew when its functions or the server's
-- stemmers change: reindex_search does that.
-- search_path: strict
CREATE OR REPLACE FUNCTION layered_search_vector(document text)
RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN with_layers(
    search_words(document),
    CASE WHEN octet_length(document) > length(document) THEN search_units(document) END,
    CASE WHEN octet_length(document) > length(document) AND document ~ '[^\x01-\x7e\u00c0-\u0131\u0134-\u013e\u0141-\u0148\u014a-\u017e\u0180-\u01c3\u01cd-\u01f0\u01f4-\u024f\u2010\u2012-\u2015\u2018-\u2022]' THEN text_scripts(document, 0.1) END
  );
END
$$;
--> statement-breakpoint
-- source: src/sql/columns/bound/stored/lexeme_count.sql
-- The length of a document in BM25's sense: how often its lexemes occur, which is the number of stored positions
-- (English stop words are not counted, and a lexeme keeps at most 255 positions). The column lexeme_count is generated by
-- it. It starts from the text, because one generated column cannot refer to another.
-- search_path: strict
CREATE OR REPLACE FUNCTION lexeme_count(document text)
RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN position_count(search_words(document));
END
$$;
--> statement-breakpoint
-- path: internal
SELECT set_config('search_path', concat_ws(', ', quote_ident(current_setting('opa.schema') || '_opa'), quote_ident(current_setting('opa.schema')), (
  SELECT string_agg(DISTINCT quote_ident(n.nspname), ', ') FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
  WHERE e.extname IN ('vector', 'pg_trgm') AND n.nspname <> current_setting('opa.schema')
), 'pg_temp'), true);
--> statement-breakpoint
-- path: of the functions above
ALTER FUNCTION memory_id(namespace text, text text, tags text[]) SET search_path FROM CURRENT;
