import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { embeddingModel } from '../../embedding/embedding-model.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { CommandError } from '../exit.ts'
import { adoptModel } from '../transfer/adopt-model.ts'
import { changedRows, deleteRows, type Horizon, replaceRows } from './changed-rows.ts'
import { compareSides } from './compare.ts'
import { allowWrites, stopWrites } from './write-stop.ts'

export interface MoveOptions {
  readonly source: Database
  readonly target: Database
  readonly namespace: string
  /** Called while nobody can write, when everything is on the target: makes the service use that. */
  readonly onSwitch: () => Promise<void>
  /** True leaves the rows on the source, where they cannot be changed any more. */
  readonly keeps?: boolean
  readonly onProgress?: (copied: number) => void
  readonly onStep?: (step: string) => Promise<void>
  readonly signal: AbortSignal
}

export interface MoveResult {
  /** Rows that are on the target. */
  readonly moved: number
  /** Rows that were copied again, because they changed meanwhile. */
  readonly caughtUp: number
  /** How long writes were refused, in seconds, `onSwitch` included. */
  readonly stoppedSeconds: number
}

/** A pass that copies no more than this is short enough to be repeated while nobody writes. */
const fewRows = 500
const mostPasses = 20
const rowsDeletedAtATime = 1000

/**
 * Moves a namespace to another server while it is used: copies it, catches up with what has changed until that is little,
 * refuses writes to the namespace, copies the rest, compares both sides, switches, and deletes it from the source. There
 * the refusal stays, so that a client that has not heard of the switch is told instead of losing what it writes.
 *
 * @throws CommandError if both sides are not alike at the end; nothing is lost then: the source accepts writes again.
 */
export async function moveNamespace(options: MoveOptions): Promise<MoveResult> {
  const { source, target, namespace, onSwitch, keeps = false, onStep = async () => {}, signal } = options
  const model = await embeddingModel(source)
  if (model.next !== null) {
    throw new CommandError(
      'a change of the embedding model is under way: finish it first (opa-db model finish)',
    )
  }
  await adoptModel(target, model)
  // It may have been here before.
  await allowWrites(target, namespace)
  await onStep('copying')
  let copied = 0
  const pass = async (horizon: Horizon | undefined): Promise<{ horizon: Horizon; rows: number }> => {
    let rows = 0
    const next = await changedRows(source, namespace, horizon, async (some) => {
      signal.throwIfAborted()
      await replaceRows(target, namespace, some, model.name ?? undefined)
      rows += some.length
      copied += some.length
      options.onProgress?.(copied)
    })
    return { horizon: next, rows }
  }
  const first = await pass(undefined)
  await onStep('catching up')
  let last = first
  for (let number = 1; number < mostPasses; number++) {
    const { horizon } = last
    last = await pass(horizon)
    // A transaction that stays open, anywhere on the server, holds the horizon: another pass would copy the same again.
    if (last.rows <= fewRows || last.horizon === horizon) break
  }
  await removeExtra(source, target, namespace)
  signal.throwIfAborted()

  await onStep('refusing writes')
  const started = performance.now()
  let known: ReadonlyMap<string, string>
  let stoppedSeconds = 0
  try {
    await stopWrites(source, namespace)
    await pass(last.horizon)
    // Deletes are not refused: those until here are followed now, later ones when the source is emptied.
    const { missing, extra } = await compareSides(source, target, namespace)
    if (missing.length > 0) {
      throw new CommandError(
        `${missing.length} rows are not on the target as they are here: nothing was switched. Does anything else write to the target?`,
      )
    }
    if (extra.length > 0) await deleteRows(target, namespace, extra)
    known = await target.transaction(
      async (transaction) => {
        // The snapshot is that of before the switch, and is read after it: nobody waits for that.
        await transaction.execute(sql`SELECT 1`)
        await onStep('switching')
        await onSwitch()
        stoppedSeconds = (performance.now() - started) / 1000
        return versionsOf(transaction, namespace)
      },
      { isolationLevel: 'repeatable read', accessMode: 'read only' },
    )
  } catch (error) {
    await allowWrites(source, namespace)
    throw error
  }
  if (!keeps) await deleteSource(options, known)
  return { moved: known.size, caughtUp: copied - first.rows, stoppedSeconds }
}

/** Deletes from the target what has been deleted from the source. */
async function removeExtra(source: Database, target: Database, namespace: string): Promise<void> {
  const { extra } = await compareSides(source, target, namespace)
  if (extra.length > 0) await deleteRows(target, namespace, extra)
}

/**
 * Deletes the namespace from the source. A row that a client deleted there after the comparison, because it had not heard
 * of the switch, is deleted from the target as well, unless it has been changed there since.
 *
 * @param known what both sides had at the switch.
 */
async function deleteSource(
  { source, target, namespace, onStep, onProgress }: MoveOptions,
  known: ReadonlyMap<string, string>,
): Promise<void> {
  await onStep?.('deleting it from the source')
  const left = new Map(known)
  for (let deleted = 0; ; ) {
    const rows = await queryRows(
      source,
      sql`
        DELETE FROM ${memoryItems} WHERE id IN (
          SELECT id FROM ${memoryItems} WHERE namespace = ${namespace}::text LIMIT ${sql.raw(String(rowsDeletedAtATime))}
        ) RETURNING id`,
    )
    if (rows.length === 0) break
    for (const row of rows) left.delete(String(row.id))
    deleted += rows.length
    onProgress?.(deleted)
  }
  if (left.size === 0) return
  const late = [...left].map(([id, time]) => ({ id, time }))
  await queryRows(
    target,
    sql`DELETE FROM ${memoryItems} AS m USING json_to_recordset(${JSON.stringify(late)}::text::json) AS late (id text, time timestamptz)
      WHERE m.id = late.id AND m.updated_at = late.time AND m.namespace = ${namespace}::text`,
  )
}

async function versionsOf(db: Database, namespace: string): Promise<ReadonlyMap<string, string>> {
  const rows = await queryRows(
    db,
    sql`SELECT id, updated_at::text AS time FROM ${memoryItems} WHERE namespace = ${namespace}::text`,
  )
  return new Map(rows.map((row) => [String(row.id), String(row.time)]))
}
