import type { Database } from '../database/database.ts'
import {
  type EmbedPendingOptions,
  type EmbedPendingResult,
  embedPending,
} from '../embedding/embed-pending.ts'
import type { Embedder } from '../embedding/embedder.ts'
import type { Context, GlobalOptions } from './context.ts'
import { counted, duration } from './format.ts'
import { Progress } from './progress.ts'
import { onOneLine } from './terminal.ts'

const failuresShown = 5

/**
 * Makes the vectors that are missing, and says how that went.
 *
 * @returns whether all of them are made.
 */
export async function embedWithProgress(
  db: Database,
  context: Context,
  options: GlobalOptions,
  embedder: Embedder,
  pending: Pick<EmbedPendingOptions, 'namespace' | 'limit' | 'batchSize'>,
): Promise<boolean> {
  const started = performance.now()
  const { embedded, failed, skipped, stopped } = await embedMissing(db, context, options, embedder, pending)
  const seconds = (performance.now() - started) / 1000
  if (options.json) await context.out.json({ embedded, failed: failed.map(({ id }) => id), skipped, seconds })
  else
    await context.out.lines(
      `made ${counted(embedded, 'vector')} with ${embedder.model} in ${duration(seconds)}`,
    )
  for (const { id, error } of failed.slice(0, failuresShown)) {
    await context.err.lines(`opa-db: no vector for ${onOneLine(id)}: ${error.message}`)
  }
  if (failed.length > failuresShown) {
    await context.err.lines(
      `opa-db: and for ${counted(failed.length - failuresShown, 'memory', 'memories')} more`,
    )
  }
  if (context.signal.aborted) throw context.signal.reason
  if (stopped) await context.err.lines(`opa-db: ${stopped.message}. What is made is kept; run it again`)
  return failed.length === 0 && stopped === undefined
}

/** Makes the vectors that are missing, and shows how far it is. */
export function embedMissing(
  db: Database,
  context: Context,
  options: GlobalOptions,
  embedder: Embedder,
  pending: Pick<EmbedPendingOptions, 'namespace' | 'limit' | 'batchSize'> = {},
): Promise<EmbedPendingResult> {
  const progress = new Progress(context, options, 'vectors')
  return embedPending(db, embedder, {
    ...pending,
    signal: context.signal,
    onProgress: (tried, total) => progress.update(tried, tried / Math.max(1, total)),
  }).finally(() => progress.end())
}
