import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryPrepared } from '../../database/prepared.ts'
import { toDateOrNull, toNumber } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { DatabaseError } from '../../errors.ts'
import type { Lease } from '../lease.ts'
import { arraySql, numberSql } from '../parameters.ts'

export interface HeartbeatOptions {
  /** Every lease that this worker holds. */
  readonly leases: readonly Lease[]
  /** The leases then end this long from now, never earlier than before; 60 by default. */
  readonly leaseSeconds?: number
}

/** What became of a lease. */
export interface LeaseState extends Lease {
  /**
   * `held`: extended. `cancel_requested`: extended, and somebody asked for the job to be cancelled: stop, then `release`
   * or `fail` it. `timed_out`: not extended, the attempt has taken longer than `attemptTimeoutSeconds`; stop, then `fail`
   * it. `locked`: not extended, another transaction holds the row; still held, ask again soon. `lost`: taken back or
   * settled; stop, nothing counts any more.
   */
  readonly state: 'held' | 'cancel_requested' | 'timed_out' | 'locked' | 'lost'
  /** When it ends now; null if it is lost. */
  readonly leaseExpiresAt: Date | null
}

/**
 * Extends leases, all those of a worker in one call.
 *
 * @returns what became of each, in the order given.
 * @throws InvalidInputError for an argument out of range.
 * @example
 * for (const lease of await heartbeat(db, { leases: running, leaseSeconds: 60 })) {
 *   if (lease.state !== 'held') stop(lease.id)
 * }
 */
export async function heartbeat(db: Database, options: HeartbeatOptions): Promise<LeaseState[]> {
  const { leases, leaseSeconds = 60 } = options
  if (leases.length === 0) return []
  const rows = await queryPrepared(
    db,
    sql`SELECT id, lease_token, state, lease_expires_at FROM ${api(db)}heartbeat(
      job_ids => ${arraySql(
        'leases',
        leases.map(({ id }) => id),
        'text',
      )},
      lease_tokens => ${arraySql(
        'leases',
        leases.map(({ leaseToken }) => leaseToken),
        'bigint',
      )},
      lease_seconds => ${numberSql('leaseSeconds', leaseSeconds, 'float8')})`,
  )
  // By the lease, not by the place in the answer: one job's loss must never be taken for another's.
  const states = new Map(
    rows.map((row): [string, LeaseState] => {
      const lease = { id: row.id as string, leaseToken: toNumber(row.lease_token) }
      return [
        keyOf(lease),
        {
          ...lease,
          state: row.state as LeaseState['state'],
          leaseExpiresAt: toDateOrNull(row.lease_expires_at),
        },
      ]
    }),
  )
  return leases.map((lease) => {
    const state = states.get(keyOf(lease))
    if (state === undefined)
      throw new DatabaseError(`the database did not answer for the lease of ${lease.id}`)
    return state
  })
}

function keyOf({ id, leaseToken }: Lease): string {
  return `${leaseToken} ${id}`
}
