-- What a lexeme can be worth in a document, as a share of its idf, by the highest impact layer it has there: none, the
-- first, the second, any. (layered_search_vector sets the layers: u = tf / (0.25 + 0.75 * length / 43) >= 1.4, 2.4, 4.5.)
--
-- Why it is a bound: the contribution is 2.2 / (1 + 1.2 * x) with x = (0.25 + 0.75 * length / average_length) / tf. Below
-- the threshold t, the document is longer than 43 * (tf / t - 0.25) / 0.75, and not shorter than tf, which gives for each
-- tf the shortest length in whole numbers and so the least x. Ignoring that lengths are whole, the least x is linear in
-- 1 / tf, (0.25 - 10.75 / average_length) / tf + 43 / (t * average_length), so that the ends of any range of tf bound all
-- within it (255 is the most). The terms below are the first few tf with their shortest lengths and that line from where
-- it takes over; the tf left out have an x above the line between two of the terms, so they are never the least.
CREATE OR REPLACE FUNCTION bm25_impact_bounds(average_length float8)
RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT ARRAY[
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 20.25 / average_length, -- tf 1, length 27
      (0.25 - 10.75 / average_length) / 7 + 43 / 1.4 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 1.4 / average_length)) * (1 + 1e-12),
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 7.5 / average_length, -- tf 1, length 10
      (0.25 - 10.75 / average_length) / 6 + 43 / 2.4 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 2.4 / average_length)) * (1 + 1e-12),
    2.2::float8 / (1 + 1.2 * least(
      0.25 + 0.75 / average_length, 0.125 + 4.5 / average_length, 0.25 / 3 + 6 / average_length, -- tf 1 to 3, length 1, 12, 24
      (0.25 - 10.75 / average_length) / 7 + 43 / 4.5 / average_length,
      (0.25 - 10.75 / average_length) / 255 + 43 / 4.5 / average_length)) * (1 + 1e-12),
    2.2::float8
  ]
$$;
