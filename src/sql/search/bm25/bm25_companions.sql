-- The text of a tsquery that no document fails whose lexemes from `first` on can add up to more than `need`. NULL
-- stands for "every document": right whenever it saves more than it costs, because extra candidates are only scored
-- in vain. '' stands for "no document".
--
-- Lexemes come rarest first; terms and bounds hold four levels each (any, layer 1, 2, 3), a bound being the most that a
-- document below the next layer gets, and remaining[i] the most that lexemes from i on can add. Why nothing is missed:
-- take the first lexeme i that the document has. If its level alone exceeds the need, the first half of the condition
-- holds. If not, its contribution is at most the bound of the level below that, so the lexemes after i add more than
-- need minus that bound, which is the same question again; and below the lowest level from which the remaining lexemes
-- could still fill the gap it cannot be at all.
CREATE OR REPLACE FUNCTION bm25_companions(
  terms text[], bounds float8[], remaining float8[], frequencies float8[], documents float8,
  first integer, need float8, expected float8, depth integer
)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
  few_documents CONSTANT float8 := 30;   -- not worth a narrower condition
  togetherness CONSTANT float8 := 3;     -- words of one query meet more often than chance
  condition text := '';
  alternative text;
  companions text;
  base integer;
  alone integer;
  lowest integer;
BEGIN
  IF need < 0 OR depth = 0 OR expected <= few_documents THEN
    RETURN NULL;
  END IF;
  FOR i IN first .. cardinality(remaining) - 1 LOOP
    EXIT WHEN remaining[i] <= need;
    base := 4 * i - 3;
    alone := width_bucket(need, bounds[base : base + 3]);
    lowest := width_bucket(need - remaining[i + 1], bounds[base : base + 3]);

    alternative := CASE WHEN alone < 4 THEN terms[base + alone] ELSE '' END;
    IF lowest < alone THEN
      companions := bm25_companions(terms, bounds, remaining, frequencies, documents, i + 1,
        need - bounds[base + alone - 1],
        expected * least(1, togetherness * frequencies[base + lowest] / documents), depth - 1);
      IF companions IS NULL THEN
        alternative := terms[base + lowest];
      ELSIF companions <> '' THEN
        alternative := concat_ws('|', nullif(alternative, ''), '(' || terms[base + lowest] || '&(' || companions || '))');
      END IF;
    END IF;
    IF alternative <> '' THEN
      condition := concat_ws('|', nullif(condition, ''), alternative);
    END IF;
  END LOOP;
  RETURN condition;
END
$$;
