-- The order of maximal marginal relevance: row after row the one with the highest
--   lambda * score / best score - (1 - lambda) * (its highest cosine to a row chosen before),
-- ties by score, then id. lambda = 1 is the order of the scores, 0 looks at differences alone. A row without an embedding
-- is taken for unlike any other (cosine 0). Answers at most k of the ids, which come best first with their scores; null
-- for none (null).
-- Source: Carbonell and Goldstein, The Use of MMR, Diversity-Based Reranking, SIGIR 1998.
CREATE OR REPLACE FUNCTION diverse_ids(ids text[], scores float8[], lambda float8, k integer)
RETURNS text[]
LANGUAGE plpgsql STABLE STRICT
AS $$
DECLARE
  chosen text[] := '{}';
  model CONSTANT integer := (current_embedding_model()).id;
  embeddings vector[];
  relevances float8[];
  closest float8[];  -- the highest cosine to a row chosen before; null once the row itself is chosen
  latest integer;
  latest_embedding vector;
BEGIN
  SELECT
    array_agg(
      CASE WHEN m.embedding_model = model THEN m.embedding WHEN m.next_embedding_model = model THEN m.next_embedding END
      ORDER BY given.place
    ),
    array_fill(0::float8, ARRAY[cardinality(ids)]),
    array_agg(COALESCE(given.score / NULLIF(scores[1], 0), 0) ORDER BY given.place)
  INTO embeddings, closest, relevances
  FROM unnest(ids, scores) WITH ORDINALITY AS given (id, score, place)
  JOIN memory_items AS m ON m.id = given.id;

  FOR turn IN 1 .. least(k, cardinality(ids)) LOOP
    SELECT item.place INTO latest
    FROM unnest(relevances, closest) WITH ORDINALITY AS item (relevance, cosine, place)
    WHERE item.cosine IS NOT NULL
    ORDER BY lambda * item.relevance - (1 - lambda) * item.cosine DESC, item.place
    LIMIT 1;
    chosen := chosen || ids[latest];
    closest[latest] := NULL;
    latest_embedding := embeddings[latest];
    closest := ARRAY(
      SELECT CASE
        WHEN item.cosine IS NULL THEN NULL
        WHEN turn = 1 THEN COALESCE(1 - (item.embedding <=> latest_embedding), 0)
        ELSE greatest(item.cosine, COALESCE(1 - (item.embedding <=> latest_embedding), 0))
      END
      FROM unnest(embeddings, closest) WITH ORDINALITY AS item (embedding, cosine, place)
      ORDER BY item.place
    );
  END LOOP;
  RETURN chosen;
END
$$;
