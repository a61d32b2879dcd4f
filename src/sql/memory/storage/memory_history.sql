-- The history of a memory is seen by whoever sees the memory: the policy asks memory_items with the rights of the reader,
-- its row-level security included. Nobody but the triggers and the owner writes it.
ALTER TABLE memory_history ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
DROP POLICY IF EXISTS memory_history_of_visible ON memory_history;
--> statement-breakpoint
CREATE POLICY memory_history_of_visible ON memory_history FOR SELECT
  USING (EXISTS (SELECT FROM memory_items AS m WHERE m.id = memory_history.memory_id));
