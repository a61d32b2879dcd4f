import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryPrepared } from '../../database/prepared.ts'
import { promisedRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { InvalidInputError } from '../../errors.ts'
import type { Lease } from '../lease.ts'
import { jsonSql, numberSql, textSql } from '../parameters.ts'
import { type EnqueueOptions, type EnqueueResult, enqueueResult } from './enqueue.ts'
import { enqueueElement } from './enqueue-many.ts'

export interface EnqueueChildrenOptions {
  /** The parent. */
  readonly id: string
  /** The parent's lease, which must be held still; without it anybody may give it children. */
  readonly leaseToken?: Lease['leaseToken']
  readonly children: readonly Omit<EnqueueOptions, 'parentId'>[]
}

/**
 * Accepts the children of a job, all or (on any error) none, so that a parent which dies half-way never goes on with a part
 * of them. Give each an `idempotencyKey`: then a second attempt of the parent gets the children of the first.
 *
 * @returns what became of each, in the order given.
 * @throws InvalidInputError that says which element is wrong; ConflictError if the lease is over, or the parent is
 * cancelled or is to be.
 * @example
 * const children = pages.map((page) => ({ intent: 'page', inputs: { page }, idempotencyKey: `${job.id}:${page}` }))
 * await enqueueChildren(db, { id: job.id, leaseToken: job.leaseToken, children })
 */
export async function enqueueChildren(
  db: Database,
  options: EnqueueChildrenOptions,
): Promise<EnqueueResult[]> {
  const { id, leaseToken, children } = options
  if (!Array.isArray(children))
    throw new InvalidInputError(`children must be an array, got ${typeof children}`)
  const rows = await queryPrepared(
    db,
    sql`SELECT id, status, created, wait_id FROM ${api(db)}enqueue_children(job_id => ${textSql('id', id)},
      lease_token => ${numberSql('leaseToken', leaseToken, 'bigint')},
      jobs => ${jsonSql('children', children.map(enqueueElement))})`,
  )
  return promisedRows(rows, children.length).map(enqueueResult)
}
