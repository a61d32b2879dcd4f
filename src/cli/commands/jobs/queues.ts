import { pauseQueue, resumeQueue } from '../../../jobs/operating/pause-queue.ts'
import { type Define, given } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import { onOneLine } from '../../terminal.ts'

export const defineJobsQueues: Define = (jobs, handler) => {
  jobs
    .command('pause')
    .summary('pause a queue')
    .description(
      'Pauses a queue: nobody claims from it until it is resumed. What runs goes on, and jobs are accepted.',
    )
    .argument('<queue>', 'its name')
    .option('--reason <text>', 'why, for whoever looks at it later')
    .action(
      handler<{ reason?: string }, [string]>(async (context, options, queue) => {
        const isNew = await withDatabase(context, options, ({ db }) =>
          pauseQueue(db, given({ queue, reason: options.reason })),
        )
        await context.out.lines(`${onOneLine(queue)}: ${isNew ? 'paused' : 'was paused already'}`)
        return 0
      }),
    )

  jobs
    .command('resume')
    .summary('end the pause of a queue')
    .argument('<queue>', 'its name')
    .action(
      handler<object, [string]>(async (context, options, queue) => {
        const wasPaused = await withDatabase(context, options, ({ db }) => resumeQueue(db, { queue }))
        await context.out.lines(`${onOneLine(queue)}: ${wasPaused ? 'goes on' : 'was not paused'}`)
        return 0
      }),
    )
}
