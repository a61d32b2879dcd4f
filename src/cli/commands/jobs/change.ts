import type { Database } from '../../../database/database.ts'
import { cancel } from '../../../jobs/operating/cancel.ts'
import { cancelJobs, countJobs, retryJobs } from '../../../jobs/operating/change-many.ts'
import { retry } from '../../../jobs/operating/retry.ts'
import type { JobFilter } from '../../../jobs/reading/job-filter.ts'
import type { JobStatus } from '../../../schema/enums.ts'
import { type Define, given, type Handler } from '../../command.ts'
import { confirmed } from '../../confirm.ts'
import { withDatabase } from '../../connection.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { UsageError } from '../../exit.ts'
import { count, counted, shortJobId } from '../../format.ts'
import { Progress } from '../../progress.ts'
import { type FilterOptions, filterOf, withFilterOptions } from './filter.ts'
import { wholeJobId } from './whole-job-id.ts'

interface ChangeOptions extends FilterOptions {
  readonly cascade?: boolean
  readonly runAt?: string
  readonly yes?: true
}

interface Verb {
  readonly name: 'cancel' | 'retry'
  /** What the statuses of jobs must be for it to do anything. */
  readonly statuses: readonly JobStatus[]
  readonly one: (db: Database, id: string, options: ChangeOptions) => Promise<string>
  readonly many: (db: Database, filter: JobFilter, options: ChangeOptions) => Promise<number>
}

const cancelling: Verb = {
  name: 'cancel',
  statuses: ['pending', 'waiting', 'running'],
  one: (db, id, { cascade }) => cancel(db, { id, cascade: cascade === true }),
  many: (db, filter) => cancelJobs(db, { filter }),
}

const retrying: Verb = {
  name: 'retry',
  statuses: ['failed', 'cancelled'],
  one: (db, id, { cascade, runAt }) => retry(db, given({ id, cascade, runAt })),
  many: (db, filter, { runAt }) => retryJobs(db, given({ filter, runAt })),
}

export const defineJobsChange: Define = (jobs, handler) => {
  const cancels = jobs
    .command('cancel')
    .summary('stop jobs')
    .description(
      'Stops jobs: pending and waiting ones at once, running ones when their worker hears of it. By their ids, or all\n' +
        'that the options mean: then it says how many and asks.',
    )
    .argument('[id...]', 'their ids, or the ends of them')
    .option('--cascade', 'with their descendants')
  withFilterOptions(cancels).option('--yes', 'do not ask').action(change(handler, cancelling))

  const retries = jobs
    .command('retry')
    .summary('run failed or cancelled jobs again')
    .description(
      'Runs failed or cancelled jobs again, from their first attempt, with what failed below them. By their ids, or all\n' +
        'that the options mean: then without what is below, and it says how many and asks.',
    )
    .argument('[id...]', 'their ids, or the ends of them')
    .option('--run-at <time>', 'not before this time, ISO 8601')
    .option('--no-cascade', 'without what failed below them')
  withFilterOptions(retries).option('--yes', 'do not ask').action(change(handler, retrying))
}

function change(handler: Handler, verb: Verb) {
  return handler<ChangeOptions, [string[]]>((context, options, ids) => {
    const filter = filterOf(options)
    if (ids.length > 0 === Object.keys(filter).length > 0) {
      throw new UsageError(
        `${verb.name} which jobs? Give ids, or options that say which (--queue, --status …)`,
      )
    }
    return withDatabase(
      context,
      options,
      ({ db }) =>
        ids.length > 0
          ? byIds(db, context, options, verb, ids)
          : byFilter(db, context, options, verb, filter),
      { stopsItself: ids.length === 0 },
    )
  })
}

async function byIds(
  db: Database,
  context: Context,
  options: ChangeOptions & GlobalOptions,
  verb: Verb,
  given: readonly string[],
): Promise<number> {
  // All are looked up first, so that a wrong one changes nothing.
  const ids: string[] = []
  for (const id of given) ids.push(await wholeJobId(db, id))
  const outcomes: { id: string; outcome: string }[] = []
  for (const id of ids) outcomes.push({ id, outcome: await verb.one(db, id, options) })
  if (options.json) await context.out.json(outcomes)
  else await context.out.lines(...outcomes.map(outcomeLine))
  return outcomes.every(({ outcome }) => outcome === 'ok' || outcome.startsWith('cancel')) ? 0 : 1
}

async function byFilter(
  db: Database,
  context: Context,
  options: ChangeOptions & GlobalOptions,
  verb: Verb,
  filter: JobFilter,
): Promise<number> {
  const meant = { ...filter, statuses: filter.statuses ?? verb.statuses }
  const found = await countJobs(db, { filter: meant })
  const total = Object.values(found).reduce((sum, number) => sum + number, 0)
  const words = Object.entries(found).map(([status, number]) => `${count(number)} ${status}`)
  if (total > 0 && !options.yes) {
    const isMeant = await confirmed(context, `${verb.name} ${counted(total, 'job')} (${words.join(', ')})?`)
    if (!isMeant) {
      await context.err.lines('nothing was changed')
      return 1
    }
  }
  const progress = new Progress(context, options, 'jobs')
  let changed = 0
  while (!context.signal.aborted && changed < total) {
    const some = await verb.many(db, meant, options)
    if (some === 0) break
    changed += some
    progress.update(changed, changed / total)
  }
  progress.end()
  if (options.json) await context.out.json({ changed })
  else await context.out.lines(`${verb.name}: ${counted(changed, 'job')}`)
  context.signal.throwIfAborted()
  return 0
}

const words: Readonly<Record<string, string>> = {
  ok: 'runs again',
  wrong_status: 'its status does not allow that',
  conflict: 'another unfinished job has its singleton key',
  cancel_requested: 'its worker has been asked to stop',
}

function outcomeLine({ id, outcome }: { id: string; outcome: string }): string {
  return `${shortJobId(id)}  ${words[outcome] ?? outcome.replaceAll('_', ' ')}`
}
