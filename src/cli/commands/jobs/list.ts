import { listJobs } from '../../../jobs/reading/list-jobs.ts'
import { stuckJobs } from '../../../jobs/reading/stuck-jobs.ts'
import { type JobStatus, jobStatus } from '../../../schema/enums.ts'
import { collected, type Define, given, wholeNumber } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import { UsageError } from '../../exit.ts'
import { age, shortJobId } from '../../format.ts'
import { tableLines } from '../../table.ts'
import { onOneLine } from '../../terminal.ts'
import { jobLines } from './job-lines.ts'

interface ListOptions {
  readonly queue?: string
  readonly status?: JobStatus[]
  readonly intent?: string
  readonly trace?: string
  readonly since?: string
  readonly until?: string
  readonly limit: number
  readonly after?: string
}

export const defineJobsList: Define = (jobs, handler) => {
  jobs
    .command('list')
    .summary('the newest jobs')
    .description('Lists jobs, the newest first.')
    .option('-q, --queue <name>', 'of this queue')
    .option('--status <status>', 'in any of these; may be repeated', collectedStatus)
    .option('--intent <intent>', 'with this intent')
    .option('--trace <id>', 'of this trace')
    .option('--since <time>', 'created at or after this time, ISO 8601')
    .option('--until <time>', 'created before this time')
    .option('-k, --limit <number>', 'jobs, 1 to 1000', wholeNumber('--limit', 1, 1000), 20)
    .option('--after <id>', 'the next page: the last id of the page before')
    .action(
      handler<ListOptions>(async (context, options) => {
        const { queue, status: statuses, intent, trace: traceId, since, until, limit, after } = options
        const asked = given({ queue, statuses, intent, traceId, since, until, limit, after })
        const { items, next } = await withDatabase(context, options, ({ db }) => listJobs(db, asked))
        if (options.json) {
          await context.out.json({ items, next })
          return 0
        }
        await context.out.lines(...jobLines(context.out.terminal, items))
        if (items.length === 0) await context.err.lines('no such jobs')
        if (next !== null) await context.err.lines(`more: opa-db jobs list --after ${next}`)
        return 0
      }),
    )

  jobs
    .command('stuck')
    .summary('jobs that do not go on')
    .description('Lists jobs that do not go on, the longest first, and why. Exit code 1 if there are any.')
    .option('-q, --queue <name>', 'of this queue')
    .option('--longer-than <time>', "how long is too long, for example '1 hour'", '15 minutes')
    .option('-k, --limit <number>', 'jobs, 1 to 1000', wholeNumber('--limit', 1, 1000), 100)
    .action(
      handler<{ queue?: string; longerThan: string; limit: number }>(async (context, options) => {
        const { queue, longerThan, limit } = options
        const stuck = await withDatabase(context, options, ({ db }) =>
          stuckJobs(db, given({ queue, longerThan, limit })),
        )
        if (options.json) await context.out.json(stuck)
        else if (stuck.length > 0) {
          await context.out.lines(
            ...tableLines(
              context.out.terminal,
              ['id', 'why', { title: 'since', align: 'right' }, 'queue', 'job'],
              stuck.map((job) => ({
                cells: [
                  shortJobId(job.id),
                  job.reason.replaceAll('_', ' '),
                  age(job.since),
                  onOneLine(job.queue),
                  onOneLine(job.intent),
                ],
              })),
            ),
          )
        } else await context.err.lines('none is stuck')
        return stuck.length > 0 ? 1 : 0
      }),
    )
}

/** A status, or several between commas. */
export function collectedStatus(value: string, earlier: readonly JobStatus[] = []): JobStatus[] {
  const known: readonly string[] = jobStatus.enumValues
  return value.split(',').reduce<JobStatus[]>(
    (statuses, one) => {
      if (!known.includes(one))
        throw new UsageError(`--status must be one of ${known.join(', ')}, got "${one}"`)
      return collected(one, statuses) as JobStatus[]
    },
    [...earlier],
  )
}
