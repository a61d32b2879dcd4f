-- Trigrams, for substring search on text and for the correction of misspelt words.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
