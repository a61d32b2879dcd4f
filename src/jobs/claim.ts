import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryPrepared } from '../database/prepared.ts'
import type { ExecutionMode } from '../schema/enums.ts'
import type { Job } from '../schema/jobs.ts'
import { type JobSelection, selectionOf, wholeJob } from './job-row.ts'
import { arraySql, numberSql, textSql } from './parameters.ts'

export interface ClaimOptions<K extends keyof Job = keyof Job> {
  /** Who is asking: a name that tells this process from every other, 1 to 255 bytes. */
  readonly workerId: string
  /** 'default' by default. */
  readonly queue?: string
  /** Only jobs of these modes; of any by default. */
  readonly modes?: readonly ExecutionMode[]
  /** How many at most, 1 to 10000; 1 by default. */
  readonly limit?: number
  /** How long the leases last, 0.01 to 604800 seconds; 60 by default. */
  readonly leaseSeconds?: number
  /**
   * Which columns of the jobs are wanted beside `id` and `leaseToken`; all by default. A worker that takes jobs by the
   * hundred and needs little of them spares a sixth of the time.
   */
  readonly columns?: readonly K[]
}

/** A job of which some columns were asked for. */
export type ClaimedJob<K extends keyof Job = keyof Job> = Pick<Job, K | 'id' | 'leaseToken'>

/**
 * Takes the jobs that are next: the highest priority first, then the earliest `runAt`, then by id. Each is running now
 * and nobody else gets it until its lease ends; `heartbeat` extends that. Leases that ran out are taken back first, and
 * jobs past their deadline failed.
 *
 * @returns the jobs, best first; none if nothing is ready.
 * @throws InvalidInputError for an argument out of range.
 * @example
 * const [job] = await claim(db, { queue: 'documents', workerId: `${hostname()}:${process.pid}`, leaseSeconds: 60 })
 * if (job) await complete(db, { id: job.id, leaseToken: job.leaseToken, result: await summarise(job.inputs) })
 */
export async function claim<K extends keyof Job = keyof Job>(
  db: Database,
  options: ClaimOptions<K>,
): Promise<ClaimedJob<K>[]> {
  const { list, decode } = claimSelection(options)
  const rows = await queryPrepared(db, sql`SELECT ${list} FROM public.claim(${claimArguments(options)})`)
  return rows.map(decode) as ClaimedJob<K>[]
}

/** The select list for what is wanted of a job, and how it is read. */
export function claimSelection({ columns }: Pick<ClaimOptions, 'columns'>): JobSelection {
  return columns ? selectionOf(['id', 'leaseToken', ...columns]) : wholeJob
}

/** The arguments of the SQL function by their names. */
export function claimArguments(options: Omit<ClaimOptions, 'columns'>): SQL {
  const { workerId, queue = 'default', modes, limit = 1, leaseSeconds = 60 } = options
  return sql`queue => ${textSql('queue', queue)},
    worker_id => ${textSql('workerId', workerId)},
    max_jobs => ${numberSql('limit', limit, 'int')},
    lease_seconds => ${numberSql('leaseSeconds', leaseSeconds, 'float8')},
    modes => ${arraySql('modes', modes, 'public.execution_mode')}`
}
