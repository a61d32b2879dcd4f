-- What a lexeme can be worth in a document, as a share of its idf, by the highest impact layer it has there: none, the
-- first, the second, any. (layered_search_vector sets the layers: u = tf / (0.25 + 0.75 * length / 43) >= 1.4, 2.4, 4.5.)
--
-- Why it is a bound: below a threshold, u < threshold says that the document is longer than
-- 43 * (tf / threshold - 0.25) / 0.75, and not shorter than tf. The contribution falls with the length, so for each tf
-- the shortest such whole length gives the most. From tf = 7 on the whole numbers are ignored; what is left of the
-- formula is monotonic in tf, so its ends (7 and 255) bound everything between.
CREATE OR REPLACE FUNCTION public.bm25_impact_bounds(average_length float8)
RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  bounds float8[] := '{}';
  threshold float8;
  shortest float8;
  bound float8;
  tf integer;
BEGIN
  FOREACH threshold IN ARRAY '{1.4, 2.4, 4.5}'::float8[] LOOP
    bound := 0;
    FOREACH tf IN ARRAY '{1, 2, 3, 4, 5, 6, 7, 255}'::integer[] LOOP
      shortest := 43 * (tf / threshold - 0.25) / 0.75;
      IF tf < 7 THEN
        shortest := greatest(tf, ceil(shortest - 1e-9));
      END IF;
      bound := greatest(bound, 2.2 * tf / (tf + 1.2 * (0.25 + 0.75 * shortest / average_length)));
    END LOOP;
    bounds := bounds || bound * (1 + 1e-12);
  END LOOP;
  RETURN bounds || 2.2::float8;
END
$$;
