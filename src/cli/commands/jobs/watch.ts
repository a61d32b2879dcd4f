import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../../../database/database.ts'
import { listJobs } from '../../../jobs/reading/list-jobs.ts'
import { queueStats } from '../../../jobs/reading/queue-stats.ts'
import { anyNumber, type Define, given, wholeNumber } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import type { Context } from '../../context.ts'
import { OutputClosed } from '../../exit.ts'
import { time } from '../../format.ts'
import { styled } from '../../terminal.ts'
import { jobLines } from './job-lines.ts'
import { queueLines } from './stats.ts'

interface WatchOptions {
  readonly queue?: string
  readonly interval: number
  readonly times?: number
  readonly json?: true
}

const jobsShown = 15

export const defineJobsWatch: Define = (jobs, handler) => {
  jobs
    .command('watch')
    .summary('look at the queues again and again')
    .description(
      'Shows the queues and what runs or waits in them, again and again until Ctrl-C. With --json a line each time.',
    )
    .option('-q, --queue <name>', 'only this queue')
    .option('--interval <seconds>', 'between two looks', anyNumber('--interval', 0.1, 3600), 2)
    .option('--times <number>', 'so often', wholeNumber('--times', 1, 1_000_000))
    .action(
      handler<WatchOptions>(async (context, options) => {
        await withDatabase(
          context,
          options,
          async ({ db }) => {
            for (let look = 1; !context.signal.aborted; look += 1) {
              await show(db, context, options)
              if (look === options.times) break
              // Ctrl-C is how watching ends, not how it fails.
              await sleep(options.interval * 1000, undefined, { signal: context.signal }).catch(() => {})
            }
          },
          { stopsItself: true },
        )
        if (context.signal.reason instanceof OutputClosed) throw context.signal.reason
        return 0
      }),
    )
}

async function show(db: Database, context: Context, options: WatchOptions): Promise<void> {
  const { queue } = options
  const queues = await queueStats(db, given({ queue, period: 60 }))
  const { items } = await listJobs(
    db,
    given({ queue, statuses: ['running', 'waiting'] as const, limit: jobsShown }),
  )
  const { out } = context
  if (options.json) {
    await out.write(`${JSON.stringify({ at: new Date(), queues, jobs: items })}\n`)
    return
  }
  const lines = [
    styled(out.terminal, 'dim', `${time(new Date())}, the last minute`),
    ...queueLines(out.terminal, queues),
    ...(queues.length === 0 ? ['no jobs'] : []),
    '',
    ...jobLines(out.terminal, items),
  ]
  // In one piece, from the upper left corner, so that it does not flicker.
  await out.write(`${out.terminal.isInteractive ? '\u001b[H\u001b[J' : ''}${lines.join('\n')}\n`)
}
