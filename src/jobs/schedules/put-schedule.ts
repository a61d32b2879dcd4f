import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { api } from '../../database/schema-name.ts'
import { InvalidInputError } from '../../errors.ts'
import type { EnqueueOptions } from '../enqueue/enqueue.ts'
import { jsonSql, numberSql, textSql } from '../parameters.ts'
import { readCron } from './slots.ts'

/** What is enqueued at each slot, as of {@link EnqueueOptions}. */
type ScheduledJob = Pick<
  EnqueueOptions,
  | 'intent'
  | 'inputs'
  | 'queue'
  | 'mode'
  | 'priority'
  | 'maxAttempts'
  | 'backoffSeconds'
  | 'singletonKey'
  | 'metadata'
>

export interface PutScheduleOptions extends ScheduledJob {
  /** The schedule's name, 1 to 255 bytes. */
  readonly key: string
  /** Minute, hour, day of the month, month, day of the week; six fields begin with seconds; or `@daily` and the like. */
  readonly cron?: string
  /** The IANA time zone in which `cron` is read; 'UTC' by default. */
  readonly timeZone?: string
  /** Instead of `cron`: a period of 1 s to a year, counted from 1970, so that 300 means :00, :05, :10. */
  readonly everySeconds?: number
  /**
   * What is made up for when no worker ran in time. `once`, the default: the latest slot. `all`: every slot, the latest
   * `missedLimit` of them. `skip`: none, a slot counts while it is at most `lateSeconds` old.
   */
  readonly missed?: 'skip' | 'once' | 'all'
  /** 1 to 1000; 100 by default. */
  readonly missedLimit?: number
  /** 60 by default. */
  readonly lateSeconds?: number
}

/**
 * Creates a schedule, or changes the one of this key. Its jobs are enqueued by workers that run schedules
 * (`work(…, { schedules: true })` or `runSchedules`), each slot once; a job's `metadata.schedule` and `metadata.slot` say
 * which it is of. When the rhythm changes, slots are counted from now on; a pause stays as it is.
 *
 * @returns whether the schedule is new.
 * @throws InvalidInputError for an expression or a time zone that cannot be read, or something out of range.
 * @example
 * await putSchedule(db, { key: 'digest', intent: 'digest.write', cron: '0 7 * * mon-fri', timeZone: 'Europe/Berlin' })
 */
export async function putSchedule(
  db: Database,
  options: PutScheduleOptions,
): Promise<{ readonly created: boolean }> {
  const { key, intent, cron, timeZone = 'UTC', everySeconds, missed = 'once' } = options
  if ((cron === undefined) === (everySeconds === undefined)) {
    throw new InvalidInputError(`give cron or everySeconds, got ${cron === undefined ? 'neither' : 'both'}`)
  }
  if (cron !== undefined) readCron(cron, timeZone)
  const { inputs = {}, queue = 'default', mode = 'auto', priority = 0, maxAttempts = 3 } = options
  const { backoffSeconds = 10, singletonKey, metadata = {}, missedLimit = 100, lateSeconds = 60 } = options
  const [row] = await queryRows(
    db,
    sql`SELECT ${api(db)}put_schedule(key => ${textSql('key', key)}, intent => ${textSql('intent', intent)},
      cron => ${textSql('cron', cron)}, time_zone => ${textSql('timeZone', timeZone)},
      every_seconds => ${numberSql('everySeconds', everySeconds, 'float8')},
      inputs => ${jsonSql('inputs', inputs)}, queue => ${textSql('queue', queue)},
      mode => ${textSql('mode', mode)}::${api(db)}execution_mode, priority => ${numberSql('priority', priority, 'int')},
      max_attempts => ${numberSql('maxAttempts', maxAttempts, 'int')},
      backoff_seconds => ${numberSql('backoffSeconds', backoffSeconds, 'float8')},
      singleton_key => ${textSql('singletonKey', singletonKey)}, metadata => ${jsonSql('metadata', metadata)},
      missed => ${textSql('missed', missed)}, missed_limit => ${numberSql('missedLimit', missedLimit, 'int')},
      late_seconds => ${numberSql('lateSeconds', lateSeconds, 'float8')}) AS created`,
  )
  return { created: row?.created === true }
}
