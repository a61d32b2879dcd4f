import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { listen } from '../../database/listen.ts'
import { checkOptions, type OptionKeys } from '../../database/options.ts'
import { queryRows, toDate, toNumber } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { InvalidInputError, NotFoundError } from '../../errors.ts'
import type { Json } from '../../schema/jobs.ts'
import { numberSql, textSql } from '../parameters.ts'
import { sleep } from '../sleep.ts'
import { throughLostConnection } from '../through-lost-connection.ts'

/** What happened to a job. */
export interface JobEvent {
  /** Counts from 1 for each job: give it as `after` to go on from there. Undefined for what was seen by looking. */
  readonly seq: number | undefined
  readonly at: Date
  /**
   * `status`: it changed, `data.status` says to what. `progress`: `data.progress`, 0 to 1, and `data.message`. `output`:
   * `data` is what the handler added.
   */
  readonly kind: 'status' | 'progress' | 'output'
  readonly data: Json
}

export interface WatchJobOptions {
  readonly id: string
  /** Only events after the one with this `seq`; 0 by default. */
  readonly after?: number
  /** How often to look, in milliseconds, 10 to 3600000; 500 by default. */
  readonly pollMilliseconds?: number
  /** Listens as well (see `onJobs` for what that needs, and `setJobEvents`); false by default. */
  readonly isListening?: boolean
  /** Ends the watching. */
  readonly signal?: AbortSignal
}

const optionKeys = {
  id: true,
  after: true,
  pollMilliseconds: true,
  isListening: true,
  signal: true,
} satisfies OptionKeys<WatchJobOptions>

/**
 * Watches a job until it has ended: its changes of status, its progress, its output. With `setJobEvents` on, every change
 * is there; without it, output is, and of status and progress what they were when this looked. A lost connection is
 * waited for, a minute at most, and what was missed is read then; `after` goes on where another watcher ended.
 *
 * @throws NotFoundError if there is no such job. InvalidInputError for an option out of range, a driver that cannot listen.
 * @example
 * for await (const { kind, data } of watchJob(db, { id })) {
 *   if (kind === 'output') process.stdout.write(String(data))
 * }
 */
export async function* watchJob(db: Database, options: WatchJobOptions): AsyncGenerator<JobEvent, void> {
  checkOptions(options, optionKeys)
  const { id, after = 0, pollMilliseconds = 500, isListening = false, signal } = options
  if (!(pollMilliseconds >= 10 && pollMilliseconds <= 3_600_000)) {
    throw new InvalidInputError(
      `pollMilliseconds must be from 10 to 3600000, got ${String(pollMilliseconds)}`,
    )
  }
  let woken = new AbortController()
  const wake = () => woken.abort()
  signal?.addEventListener('abort', wake, { once: true })
  const stop = isListening
    ? await listen(db, 'opa_job_events', (payload) => {
        if (payload === '' || (JSON.parse(payload) as string[]).includes(id)) wake()
      })
    : undefined
  try {
    let seq = after
    const seen = new Seen()
    while (!signal?.aborted) {
      const { job, events } = await throughLostConnection(60_000, signal, () => look(db, id, seq))
      for (const event of events) {
        seen.add(event)
        yield event
        seq = event.seq ?? seq
      }
      if (events.length === pageLength) continue
      yield* seen.differences(job)
      if (job.isEnded) return
      await sleep(pollMilliseconds, woken.signal)
      if (woken.signal.aborted) woken = new AbortController()
    }
  } finally {
    signal?.removeEventListener('abort', wake)
    await stop?.()
  }
}

const pageLength = 1000

interface Look {
  readonly job: JobState
  readonly events: JobEvent[]
}

interface JobState {
  readonly status: string
  readonly progress: number
  readonly message: string | null
  readonly at: Date
  readonly isEnded: boolean
}

/** Job and events by one statement, so that the events say how the job came to be as it is. */
async function look(db: Database, id: string, seq: number): Promise<Look> {
  const rows = await queryRows(
    db,
    sql`SELECT job.status, job.progress, job.progress_message, job.updated_at, job.completed_at,
      event.seq, event.at, event.kind, event.data::text AS data
      FROM ${api(db)}get_job(${textSql('id', id)}) AS job
      LEFT JOIN LATERAL ${api(db)}job_events_after(job_id => job.id, after => ${numberSql('after', seq, 'bigint')},
        max_events => ${numberSql('max', pageLength, 'int')}) AS event ON true
      ORDER BY event.seq`,
  )
  const [job] = rows
  if (job === undefined) throw new NotFoundError(`there is no job ${id}`)
  return {
    job: {
      status: job.status as string,
      progress: toNumber(job.progress),
      message: job.progress_message as string | null,
      at: toDate(job.updated_at),
      isEnded: job.completed_at !== null,
    },
    events: rows
      .filter((row) => row.seq !== null)
      .map((row) => ({
        seq: toNumber(row.seq),
        at: toDate(row.at),
        kind: row.kind as JobEvent['kind'],
        data: JSON.parse(row.data as string) as Json,
      })),
  }
}

/** What a watcher knows of status and progress, so that what no event said is told all the same. */
class Seen {
  #status: string | undefined
  #progress = 0
  #message: string | null = null
  /** A change of status sets the progress by itself, to 1 or back to 0, and its event says nothing of that. */
  #hasEvent = false

  add({ kind, data }: JobEvent): void {
    const said = data as { status?: string; progress?: number; message?: string }
    if (kind === 'status') {
      this.#status = said.status
      this.#hasEvent = true
    }
    if (kind === 'progress') {
      this.#progress = said.progress ?? this.#progress
      this.#message = said.message ?? null
    }
  }

  *differences({ status, progress, message, at }: JobState): Generator<JobEvent> {
    const isMoved = !this.#hasEvent && (progress !== this.#progress || message !== this.#message)
    this.#hasEvent = false
    this.#progress = progress
    this.#message = message
    if (status !== this.#status) {
      this.#status = status
      yield { seq: undefined, at, kind: 'status', data: { status } }
    } else if (isMoved && status === 'running') {
      yield { seq: undefined, at, kind: 'progress', data: { progress, ...(message !== null && { message }) } }
    }
  }
}
