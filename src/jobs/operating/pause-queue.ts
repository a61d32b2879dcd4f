import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { api } from '../../database/schema-name.ts'
import { callForOutcome } from '../lease.ts'
import { textSql } from '../parameters.ts'

export interface PauseQueueOptions {
  readonly queue: string
  /** Why, for whoever looks at it later. */
  readonly reason?: string
}

/**
 * Pauses a queue: claims from it find nothing until `resumeQueue`. What runs goes on and is settled as usual, and jobs are
 * accepted.
 *
 * @returns whether the queue was not paused before.
 * @example
 * await pauseQueue(db, { queue: 'documents', reason: 'the model is down' })
 */
export async function pauseQueue(db: Database, { queue, reason }: PauseQueueOptions): Promise<boolean> {
  return callForOutcome(
    db,
    sql`${api(db)}pause_queue(queue => ${textSql('queue', queue)}, reason => ${textSql('reason', reason)})`,
  )
}

/**
 * Ends the pause of a queue.
 *
 * @returns whether it was paused.
 * @example
 * await resumeQueue(db, { queue: 'documents' })
 */
export async function resumeQueue(db: Database, { queue }: { readonly queue: string }): Promise<boolean> {
  return callForOutcome(db, sql`${api(db)}resume_queue(queue => ${textSql('queue', queue)})`)
}
