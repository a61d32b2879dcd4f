import { prune } from '../../../jobs/prune.ts'
import type { JobStatus } from '../../../schema/enums.ts'
import { type Define, given } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import { counted } from '../../format.ts'
import { Progress } from '../../progress.ts'
import { collectedStatus } from './list.ts'

interface PruneCommandOptions {
  readonly yes?: true
  readonly olderThan: string
  readonly queue?: string
  readonly status?: JobStatus[]
}

export const defineJobsPrune: Define = (jobs, handler) => {
  jobs
    .command('prune')
    .summary('delete jobs that ended long ago')
    .description('Deletes jobs that ended long ago, with their attempts, in small batches.')
    .requiredOption('--older-than <time>', "how long ago they ended, for example '30 days'")
    .option('-q, --queue <name>', 'only of this queue')
    .option('--status <status>', 'only that ended so; may be repeated', collectedStatus)
    .option('--yes', 'do not ask')
    .action(
      handler<PruneCommandOptions>(async (context, options) => {
        const { olderThan, queue, status: statuses } = options
        const pruned = await withDatabase(
          context,
          options,
          async ({ db }) => {
            const progress = new Progress(context, options, 'jobs')
            let done = 0
            for (;;) {
              const some = await prune(db, given({ olderThan, queue, statuses, batch: 1000 }))
              done += some
              if (some === 0 || context.signal.aborted) break
              progress.update(done)
            }
            progress.end()
            return done
          },
          { stopsItself: true },
        )
        if (options.json) await context.out.json({ pruned })
        else await context.out.lines(`deleted ${counted(pruned, 'job')}`)
        context.signal.throwIfAborted()
        return 0
      }),
    )
}
