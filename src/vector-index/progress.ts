import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRows, toNumberOrNull } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'

export interface VectorIndexProgress {
  /** PostgreSQL's word for what is being done, such as `building index: loading tuples`. */
  readonly phase: string
  /** The share of this phase that is done, 0 to 1; null where PostgreSQL does not tell. */
  readonly done: number | null
}

export type OnIndexProgress = (progress: VectorIndexProgress) => void

/**
 * Runs a build and tells meanwhile how far it is, by asking over another connection of the pool. Where there is none,
 * the question waits until the build is over, and the build for nobody.
 */
export async function withBuildProgress<T>(
  db: Database,
  onProgress: OnIndexProgress | undefined,
  build: () => Promise<T>,
): Promise<T> {
  if (onProgress === undefined) return build()
  const stopped = new AbortController()
  onProgress({ phase: 'initializing', done: 0 })
  const watching = watch(db, onProgress, stopped.signal)
  // Taken up below: until then it may fail with nobody listening.
  watching.catch(() => {})
  try {
    return await build()
  } finally {
    stopped.abort()
    await watching
  }
}

async function watch(db: Database, onProgress: OnIndexProgress, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    await sleep(250, undefined, { signal: stopped }).catch(() => {})
    if (stopped.aborted) return
    const progress = await buildProgress(db).catch(() => undefined)
    if (progress !== undefined && !stopped.aborted) onProgress(progress)
  }
}

async function buildProgress(db: Database): Promise<VectorIndexProgress | undefined> {
  const [row] = await queryRows(
    db,
    sql`
      SELECT phase,
        COALESCE(blocks_done::float8 / NULLIF(blocks_total, 0), tuples_done::float8 / NULLIF(tuples_total, 0)) AS done
      FROM pg_stat_progress_create_index
      WHERE relid = '${api(db)}memory_items'::regclass AND datname = current_database()
      LIMIT 1
    `,
  )
  if (row === undefined) return undefined
  const done = toNumberOrNull(row.done)
  return { phase: String(row.phase), done: done === null ? null : Math.min(1, done) }
}
