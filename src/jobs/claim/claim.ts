import type { Database } from '../../database/database.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { queryPrepared, remembering } from '../../database/prepared.ts'
import { apiPrefix } from '../../database/schema-name.ts'
import type { ExecutionMode } from '../../schema/enums.ts'
import type { Job } from '../../schema/jobs.ts'
import { type JobSelection, selectionOf, wholeJob } from '../job-row.ts'
import { arrayValue, numberValue, textValue } from '../parameters.ts'

export interface ClaimOptions<K extends keyof Job = keyof Job> {
  /** Who is asking: a name that tells this process from every other, 1 to 255 bytes. */
  readonly workerId: string
  /** 'default' by default. */
  readonly queue?: string
  /** Only jobs of these modes; of any by default. */
  readonly modes?: readonly ExecutionMode[]
  /** Only jobs of these intents: those that this worker can do. Of any by default. */
  readonly intents?: readonly string[]
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

export const claimKeys = {
  workerId: true,
  queue: true,
  modes: true,
  intents: true,
  limit: true,
  leaseSeconds: true,
  columns: true,
} satisfies OptionKeys<ClaimOptions>

/** A job of which some columns were asked for. */
export type ClaimedJob<K extends keyof Job = keyof Job> = Pick<Job, K | 'id' | 'leaseToken'>

const statementFor = remembering((schema: string) =>
  remembering((list: string) => `SELECT ${list} FROM ${schema}claim(${claimArguments(1)})`),
)

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
  checkOptions(options, claimKeys)
  const { list, decode } = claimSelection(options)
  const rows = await queryPrepared(db, {
    sql: statementFor(apiPrefix(db))(list),
    params: claimValues(options),
  })
  return rows.map(decode) as ClaimedJob<K>[]
}

/** The select list for what is wanted of a job, and how it is read. */
export function claimSelection({ columns }: Pick<ClaimOptions, 'columns'>): JobSelection {
  return columns ? selectionOf(['id', 'leaseToken', ...columns]) : wholeJob
}

/** The arguments of the SQL function by their names, for the parameters of {@link claimValues} from the given one on. */
export function claimArguments(first: number): string {
  return `queue => $${first}::text, worker_id => $${first + 1}::text, max_jobs => $${first + 2}::text::int,
    lease_seconds => $${first + 3}::text::float8, modes => $${first + 4}, intents => $${first + 5}::text::text[]`
}

export function claimValues(options: Omit<ClaimOptions, 'columns'>): (string | null)[] {
  const { workerId, queue = 'default', modes, intents, limit = 1, leaseSeconds = 60 } = options
  return [
    textValue('queue', queue),
    textValue('workerId', workerId),
    numberValue('limit', limit, 'int'),
    numberValue('leaseSeconds', leaseSeconds, 'float8'),
    arrayValue('modes', modes),
    arrayValue('intents', intents),
  ]
}
