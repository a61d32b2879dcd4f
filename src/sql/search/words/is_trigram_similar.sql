-- Whether two words are as alike as pg_trgm.similarity_threshold asks: pg_trgm's operator %, bound like
-- trigram_similarity. It is inlined, so that an index of trigrams serves it: one over a column of collation "C", which the
-- operator must name here, because it is bound with the collation of the parameters and not of the column.
CREATE OR REPLACE FUNCTION is_trigram_similar(one text, other text)
RETURNS boolean
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN one COLLATE "C" % other;
