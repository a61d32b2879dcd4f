import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRow, queryRows, toNumber } from '../database/rows.ts'
import { api, internalSchema, quoteIdentifier } from '../database/schema-name.ts'
import { postgresError, translatingErrors } from '../database/translate-error.ts'
import { ConfigurationError, ConflictError } from '../errors.ts'
import { run } from '../vector-index/build.ts'
import { embedPending } from './embed-pending.ts'
import { type Embedder, embedderRole } from './embedder.ts'

/** The longest that writers of vectors wait behind the switch while it waits for a long transaction. */
const lockTimeoutMs = 1000
const attempts = 60
/** Rows that are embedded while writers of vectors wait: one batch of most services. */
const lastRows = 64
/** The longest that they wait for it; the next attempt goes on with what is left. */
const lastRowsMs = 10_000

export interface SwitchOptions {
  readonly acceptPending: boolean
  readonly embedder?: Embedder
  readonly signal?: AbortSignal
}

interface NextModel {
  readonly id: number
  readonly name: string
}

/**
 * Switches the searches to the next model in one short transaction.
 *
 * While memories are written all the time, some nearly always wait for their vector. With an embedder of the next model
 * those that were written since are embedded first, and the last few inside the transaction, where writers of vectors
 * wait: then none is left.
 */
export async function switchModels(db: Database, next: NextModel, options: SwitchOptions): Promise<void> {
  const { acceptPending, embedder } = options
  for (let attempt = 1; ; attempt++) {
    if (embedder !== undefined) {
      await fillNextModel(db, embedder, options)
      options.signal?.throwIfAborted()
    }
    let isBehind = false
    try {
      await translatingErrors(() =>
        db.transaction(async (transaction) => {
          await run(transaction, `SET LOCAL lock_timeout = ${lockTimeoutMs}`)
          if (embedder !== undefined && !acceptPending) {
            // The embedder may take longer than a server lets a transaction be idle.
            await run(transaction, 'SET LOCAL idle_in_transaction_session_timeout = 0')
            await stopVectorWriters(transaction)
            isBehind = true
            await fillNextModel(transaction, embedder, {
              acceptPending,
              limit: lastRows,
              signal: either(options.signal, AbortSignal.timeout(lastRowsMs)),
            })
            await refusePending(transaction, next)
            isBehind = false
          }
          await queryRows(transaction, sql`SELECT ${api(db)}finish_model_change(${acceptPending}::boolean)`)
        }),
      )
      return
    } catch (error) {
      // 55P03: a transaction that wrote a vector is still open. Behind: more was written than one batch, somebody is
      // writing a row that waits, or the embedder took too long.
      const isWaiting = postgresError(error)?.code === '55P03'
      if ((!isWaiting && !isBehind) || options.signal?.aborted) throw error
      if (attempt === attempts) {
        if (isBehind) throw error
        throw new ConflictError(
          'the searches were not switched: transactions that wrote vectors have been open all the while. Call finishModelChange again',
          { cause: error },
        )
      }
      await sleep(50 * attempt)
    }
  }
}

function either(signal: AbortSignal | undefined, other: AbortSignal): AbortSignal {
  return signal === undefined ? other : AbortSignal.any([signal, other])
}

/** Until the transaction ends. Searches, and writers of anything else, go on. */
async function stopVectorWriters(transaction: Database): Promise<void> {
  const { schema } = await queryRow(
    transaction,
    sql`
      SELECT nspname AS schema FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE pg_class.oid = '${api(transaction)}memory_items'::regclass
    `,
  )
  const internal = quoteIdentifier(internalSchema(String(schema)))
  await run(transaction, `LOCK TABLE ${internal}.embedding_models IN EXCLUSIVE MODE`)
}

/** @throws ConflictError while memories that the current model finds have no vector of the next one. */
export async function refusePending(db: Database, next: NextModel): Promise<void> {
  const row = await queryRow(
    db,
    sql`SELECT ${api(db)}pending_embeddings(${next.id}::integer, false, 1000000) AS pending`,
  )
  const pending = toNumber(row.pending)
  if (pending === 0) return
  throw new ConflictError(
    `${pending} memories have no vector of the model "${next.name}" yet: call embedPending with its embedder, or pass it as embedder, or pass acceptPending: true`,
  )
}

/**
 * Fills what is pending, as far as the embedder can.
 *
 * @throws EmbedderError if it is down, ConflictError if it refuses a memory; neither where pending memories are accepted.
 */
export async function fillNextModel(
  db: Database,
  embedder: Embedder,
  { acceptPending, limit, signal }: Omit<SwitchOptions, 'embedder'> & { readonly limit?: number },
): Promise<void> {
  const { failed, stopped } = await embedPending(db, embedder, {
    ...(limit === undefined ? {} : { limit }),
    ...(signal === undefined ? {} : { signal }),
  })
  if (stopped !== undefined && (!acceptPending || signal?.aborted)) throw stopped
  const [first] = failed
  if (first === undefined || acceptPending) return
  throw new ConflictError(
    `the embedder refused ${failed.length} memories, "${first.id}" among them: mend or forget them, or pass acceptPending: true`,
    { cause: first.error },
  )
}

/** @throws ConfigurationError if the embedder's vectors are not of the next model. */
export async function checkNextEmbedder(db: Database, embedder: Embedder, next: NextModel): Promise<void> {
  const { role } = await embedderRole(db, embedder)
  if (role === 'next') return
  throw new ConfigurationError(
    `finishModelChange must be given an embedder of the next model, "${next.name}", got one of the current model, "${embedder.model}"`,
  )
}
