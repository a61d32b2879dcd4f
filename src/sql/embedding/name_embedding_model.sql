-- Gives the current model its name, which it does not have yet. Of two writers that name it at the same moment, the
-- second waits, and is refused if it named another.
CREATE OR REPLACE FUNCTION name_embedding_model(what text, given text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
AS $$
DECLARE
  model record;
BEGIN
  UPDATE embedding_models SET name = given WHERE state = 'current' AND name IS NULL;
  IF NOT FOUND THEN
    INSERT INTO embedding_models (id, name, dimensions, state)
    SELECT id, given, dimensions, 'current' FROM current_embedding_model() WHERE name IS NULL
    ON CONFLICT DO NOTHING;
  END IF;
  SELECT * INTO model FROM current_embedding_model();
  IF model.name <> given THEN
    PERFORM wrong_embedding(what, model.name, model.dimensions, given, model.dimensions);
  END IF;
END
$$;
