-- Where rows keep vectors of so many dimensions. A vector is four bytes for each, and a row whose parts are larger
-- together than toast_tuple_target has the largest of them moved out of line. In line, keyword search reads the vector
-- with the page, and the exact scan needs no second read: right while two rows or more share a page. Out of line, a
-- page holds several rows however long the vectors are, and each vector costs some 5 microseconds more (docs/embedding-models.md). Concerns rows that are written from now on.
CREATE OR REPLACE FUNCTION store_embeddings_for(dimensions integer)
RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
  EXECUTE format('ALTER TABLE memory_items SET (toast_tuple_target = %s)',
    CASE WHEN dimensions <= 768 THEN 8160 ELSE 2560 END);
END
$$;
