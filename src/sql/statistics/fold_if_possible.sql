-- fold_statistics for every isolation level: writers that are all REPEATABLE READ fold too, each only if no other fold came
-- after its snapshot. What it would have to undo then is in a subtransaction, which READ COMMITTED needs none of.
CREATE OR REPLACE FUNCTION fold_if_possible()
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'repeatable read' THEN
    RETURN fold_statistics();
  END IF;
  BEGIN
    RETURN fold_statistics();
  EXCEPTION
    WHEN serialization_failure OR unique_violation THEN
      RETURN 0;
  END;
END
$$;
