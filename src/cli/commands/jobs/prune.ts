import { countJobs } from '../../../jobs/operating/change-many.ts'
import { prune } from '../../../jobs/operating/prune.ts'
import type { JobStatus } from '../../../schema/enums.ts'
import type { Define } from '../../command.ts'
import { confirmed } from '../../confirm.ts'
import { withDatabase } from '../../connection.ts'
import { counted } from '../../format.ts'
import { Progress } from '../../progress.ts'
import { type FilterOptions, filterOf, withFilterOptions } from './filter.ts'

interface PruneCommandOptions extends FilterOptions {
  readonly olderThan: string
  readonly yes?: true
}

const ended: readonly JobStatus[] = ['completed', 'failed', 'cancelled']

export const defineJobsPrune: Define = (jobs, handler) => {
  const command = jobs
    .command('prune')
    .summary('delete jobs that ended long ago')
    .description(
      'Deletes jobs that ended long ago, with their attempts, in small batches. Says how many there may be, and asks.',
    )
    .requiredOption('--older-than <time>', "how long ago they ended, for example '30 days'")
  withFilterOptions(command)
    .option('--yes', 'do not ask')
    .action(
      handler<PruneCommandOptions>(async (context, options) =>
        withDatabase(
          context,
          options,
          async ({ db }) => {
            const { olderThan } = options
            const filter = filterOf(options)
            const found = await countJobs(db, { filter: { ...filter, statuses: filter.statuses ?? ended } })
            const most = Object.values(found).reduce((sum, number) => sum + number, 0)
            if (most > 0 && !options.yes) {
              const question = `Delete those of ${counted(most, 'finished job')} that ended more than ${olderThan} ago?`
              if (!(await confirmed(context, question))) {
                await context.err.lines('nothing was deleted')
                return 1
              }
            }
            const progress = new Progress(context, options, 'jobs')
            let pruned = 0
            while (!context.signal.aborted) {
              const some = await prune(db, { olderThan, filter, batch: 1000 })
              if (some === 0) break
              pruned += some
              progress.update(pruned)
            }
            progress.end()
            if (options.json) await context.out.json({ pruned })
            else await context.out.lines(`deleted ${counted(pruned, 'job')}`)
            context.signal.throwIfAborted()
            return 0
          },
          { stopsItself: true },
        ),
      ),
    )
}
