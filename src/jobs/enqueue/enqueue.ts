import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { checkKeys, type OptionKeys } from '../../database/options.ts'
import { queryPrepared } from '../../database/prepared.ts'
import { onlyRow, type Row } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import type { ExecutionMode, JobStatus } from '../../schema/enums.ts'
import { jsonSql, momentSql, numberSql, textSql, textValue } from '../parameters.ts'

/** A piece of work to accept. Only the intent is needed. */
export interface EnqueueOptions {
  /** What is to be done, 1 to 1024 bytes; handlers are chosen by it. */
  readonly intent: string
  /** A JSON object for the handler. */
  readonly inputs?: Readonly<Record<string, unknown>>
  /** 'default' by default. */
  readonly queue?: string
  /** Who executes it; 'auto' by default. */
  readonly mode?: ExecutionMode
  /** -32768 to 32767, higher first; 0 by default. */
  readonly priority?: number
  /** Not before this; now by default. */
  readonly runAt?: Date | string
  /** The job's id; a UUID of version 7 by default. A job with this id that is there already is returned instead. */
  readonly id?: string
  /** The same (queue, idempotencyKey) is accepted once; later calls give the first job. */
  readonly idempotencyKey?: string
  /** At most one job of a (queue, singletonKey) is unfinished; while one is, calls give that. */
  readonly singletonKey?: string
  readonly parentId?: string
  /** Fails if it is not done by then. */
  readonly deadlineAt?: Date | string
  /** From 1; 3 by default. */
  readonly maxAttempts?: number
  /** Pause after the first failed attempt, doubled for each further one; 10 by default. */
  readonly backoffSeconds?: number
  /** Creates the job in status `waiting`: it runs after `approve` or `resume`. */
  readonly waitReason?: 'approval' | 'input' | 'external'
  /** What has to be done for it to go on; a JSON object, with `waitReason` only. */
  readonly requiredAction?: Readonly<Record<string, unknown>>
  /** A JSON object for the caller's own use. */
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly traceId?: string
  /** Whom to tell when it has ended; kept for the orchestrator, this package calls nobody. */
  readonly callbackUrl?: string
  /** Jobs of one (queue, limitKey) share its limits (see `setJobLimit`) and take turns with those of other keys. */
  readonly limitKey?: string
  /**
   * What it means that a worker is lost (killed, cut off, too slow with its heartbeat): another try that does not count
   * (`retry`, the default; after ten losses in all the job fails), or a failed attempt (`fail`).
   */
  readonly onLost?: 'retry' | 'fail'
  /** An attempt that takes longer has failed; no limit by default. */
  readonly attemptTimeoutSeconds?: number
}

/** What `enqueue` takes beside what a job is. */
export interface EnqueueOneOptions extends EnqueueOptions {
  /** How long `idempotencyKey` is good for; afterwards the same key is accepted anew. For ever by default. */
  readonly idempotencySeconds?: number
  /**
   * What to do with a job that is there already and still pending: `keep` it as it is (the default), or `replace` its
   * inputs, metadata, priority and `runAt` by these. With a `singletonKey` and a `runAt` some seconds ahead that is a
   * debounce.
   */
  readonly onDuplicate?: 'keep' | 'replace'
}

const optionKeys = {
  intent: true,
  inputs: true,
  queue: true,
  mode: true,
  priority: true,
  runAt: true,
  id: true,
  idempotencyKey: true,
  singletonKey: true,
  parentId: true,
  deadlineAt: true,
  maxAttempts: true,
  backoffSeconds: true,
  waitReason: true,
  requiredAction: true,
  metadata: true,
  traceId: true,
  callbackUrl: true,
  limitKey: true,
  onLost: true,
  attemptTimeoutSeconds: true,
  idempotencySeconds: true,
  onDuplicate: true,
} satisfies OptionKeys<EnqueueOneOptions>

export interface EnqueueResult {
  readonly id: string
  readonly status: JobStatus
  /** False if the work was there already: the same id, idempotency key, or singleton key of an unfinished job. */
  readonly created: boolean
  /** Only if the job is waiting: the wait that `approve`, `reject` or `resume` must name. */
  readonly waitId?: string
}

/**
 * Accepts a piece of work. Inside a transaction of the caller it is accepted if, and only if, that commits.
 *
 * @throws InvalidInputError if something is out of range, or the parent does not exist; ConflictError if the parent is
 * cancelled, or is to be.
 * @example
 * const { id, created } = await enqueue(db, { intent: 'summarise', inputs: { document: 'd1' }, idempotencyKey: 'd1:v3' })
 */
export async function enqueue(db: Database, options: EnqueueOneOptions): Promise<EnqueueResult> {
  checkKeys(options, optionKeys)
  const rows = await queryPrepared(
    db,
    sql`SELECT id, status, created, wait_id FROM ${api(db)}enqueue(${enqueueArguments(options)})`,
  )
  return enqueueResult(onlyRow(rows))
}

/** What enqueue and enqueue_many answer about one job. */
export function enqueueResult({ id, status, created, wait_id }: Row): EnqueueResult {
  const result = { id, status, created } as EnqueueResult
  return wait_id === null ? result : { ...result, waitId: wait_id as string }
}

/** Named arguments for what is given; the function's own defaults for the rest. */
function enqueueArguments(options: EnqueueOneOptions): SQL {
  const given: SQL[] = [sql`intent => ${textSql('intent', options.intent)}`]
  const add = (name: string, value: unknown, parameter: () => SQL) => {
    if (value !== undefined && value !== null) given.push(sql`${sql.raw(name)} => ${parameter()}`)
  }
  const { inputs, queue, mode, priority, runAt, id, idempotencyKey, singletonKey, parentId, deadlineAt } =
    options
  add('inputs', inputs, () => jsonSql('inputs', inputs))
  add('queue', queue, () => textSql('queue', queue))
  add('mode', mode, () => sql`${textValue('mode', mode)}`)
  add('priority', priority, () => numberSql('priority', priority, 'int'))
  add('run_at', runAt, () => momentSql('runAt', runAt))
  add('job_id', id, () => textSql('id', id))
  add('idempotency_key', idempotencyKey, () => textSql('idempotencyKey', idempotencyKey))
  add('singleton_key', singletonKey, () => textSql('singletonKey', singletonKey))
  add('parent_id', parentId, () => textSql('parentId', parentId))
  add('deadline_at', deadlineAt, () => momentSql('deadlineAt', deadlineAt))
  const { maxAttempts, backoffSeconds, waitReason, requiredAction, metadata, traceId, callbackUrl } = options
  add('max_attempts', maxAttempts, () => numberSql('maxAttempts', maxAttempts, 'int'))
  add('backoff_seconds', backoffSeconds, () => numberSql('backoffSeconds', backoffSeconds, 'float8'))
  add('wait_reason', waitReason, () => textSql('waitReason', waitReason))
  add('required_action', requiredAction, () => jsonSql('requiredAction', requiredAction))
  add('metadata', metadata, () => jsonSql('metadata', metadata))
  add('trace_id', traceId, () => textSql('traceId', traceId))
  add('callback_url', callbackUrl, () => textSql('callbackUrl', callbackUrl))
  const { limitKey, onLost, attemptTimeoutSeconds, idempotencySeconds, onDuplicate } = options
  add('limit_key', limitKey, () => textSql('limitKey', limitKey))
  add('on_lost', onLost, () => textSql('onLost', onLost))
  add('attempt_timeout_seconds', attemptTimeoutSeconds, () =>
    numberSql('attemptTimeoutSeconds', attemptTimeoutSeconds, 'float8'),
  )
  add('idempotency_seconds', idempotencySeconds, () =>
    numberSql('idempotencySeconds', idempotencySeconds, 'float8'),
  )
  add('on_duplicate', onDuplicate, () => textSql('onDuplicate', onDuplicate))
  return sql.join(given, sql`, `)
}
