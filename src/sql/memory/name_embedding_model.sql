-- Gives the current model its name, which it does not have yet. Of two writers that name it at the same moment, the
-- second waits, and is refused if it named another.
CREATE OR REPLACE FUNCTION public.name_embedding_model(what text, given text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  model record;
BEGIN
  UPDATE public.embedding_models SET name = given WHERE state = 'current' AND name IS NULL;
  IF NOT FOUND THEN
    INSERT INTO public.embedding_models (id, name, dimensions, state)
    SELECT id, given, dimensions, 'current' FROM public.current_embedding_model() WHERE name IS NULL
    ON CONFLICT DO NOTHING;
  END IF;
  SELECT * INTO model FROM public.current_embedding_model();
  IF model.name <> given THEN
    PERFORM public.wrong_embedding(what, model.name, model.dimensions, given, model.dimensions);
  END IF;
END
$$;
