-- A text with its compounds in parts, so that each part is a word: paths, addresses, versions and assignments at their
-- separators, thousands and initials joined (2,450.00, U.S.). What has another form as one word or several has it at the end
-- of the text: camelCase (camel Case), a hyphen before digits (F-35B: F35B), the digits of a telephone number; of a
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
  IF t ~ '[A-Za-z]-\d' THEN
    forms := forms || COALESCE((
      SELECT string_agg(' ' || replace(word[1], '-', ''), '')
      FROM regexp_matches(t, '(?<![\w.@/-])([A-Za-z]{1,5}-\d{1,6}[A-Za-z]?)(?![\w@/-]|\.\d)', 'g') AS word
    ), '');
  END IF;
  IF t ~ '[A-Za-z]\.[A-Za-z]\.' THEN
    t := regexp_replace(t, '(?<=(?:^|[^\w@/-])[A-Za-z])\.(?=[A-Za-z]\.)', '', 'g');
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
