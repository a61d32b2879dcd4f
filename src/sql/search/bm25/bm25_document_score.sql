-- BM25 of one document: the sum over the query's lexemes, of
--   idf (as often as the query says it) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / average_length)).
-- It is summed in lexeme order, so that the same data gives the same bytes.
-- Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009.
CREATE OR REPLACE FUNCTION bm25_document_score(
  document tsvector, length float8, average_length float8, lexemes text[], idfs float8[], k1 float8, b float8
)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT COALESCE(
    sum(
      query.idf * frequency.tf * (k1 + 1) / (frequency.tf + k1 * (1 - b + b * length / average_length))
      ORDER BY query.lexeme COLLATE "C"
    ),
    0
  )
  FROM unnest(document) AS entry
  JOIN unnest(lexemes, idfs) AS query (lexeme, idf) ON query.lexeme = entry.lexeme
  CROSS JOIN LATERAL (SELECT COALESCE(cardinality(entry.positions), 1)::float8 AS tf) AS frequency
$$;
