-- The weight of a lexeme that occurs in document_frequency of so many documents; never negative.
CREATE OR REPLACE FUNCTION bm25_idf(documents bigint, document_frequency bigint)
RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$
  SELECT ln(1 + (documents - document_frequency + 0.5::float8) / (document_frequency + 0.5::float8))
$$;
