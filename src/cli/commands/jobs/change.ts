import { cancel } from '../../../jobs/cancel.ts'
import { retry } from '../../../jobs/retry.ts'
import { type Define, given } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import { shortJobId } from '../../format.ts'
import { wholeJobId } from './whole-job-id.ts'

export const defineJobsChange: Define = (jobs, handler) => {
  jobs
    .command('cancel')
    .summary('stop jobs')
    .description('Stops jobs: pending and waiting ones at once, running ones when their worker hears of it.')
    .argument('<id...>', 'their ids, or the ends of them')
    .option('--cascade', 'with their descendants')
    .action(
      handler<{ cascade?: true }, [string[]]>(async (context, options, given) => {
        const outcomes = await withDatabase(context, options, async ({ db }) => {
          const ids: string[] = []
          for (const id of given) ids.push(await wholeJobId(db, id))
          const done: { id: string; outcome: string }[] = []
          for (const id of ids) {
            done.push({ id, outcome: await cancel(db, { id, cascade: options.cascade === true }) })
          }
          return done
        })
        if (options.json) await context.out.json(outcomes)
        else await context.out.lines(...outcomes.map(outcomeLine))
        return outcomes.every(({ outcome }) => outcome.startsWith('cancel')) ? 0 : 1
      }),
    )

  jobs
    .command('retry')
    .summary('run failed or cancelled jobs again')
    .description('Runs failed or cancelled jobs again, from their first attempt.')
    .argument('<id...>', 'their ids, or the ends of them')
    .option('--run-at <time>', 'not before this time, ISO 8601')
    .action(
      handler<{ runAt?: string }, [string[]]>(async (context, options, asked) => {
        const outcomes = await withDatabase(context, options, async ({ db }) => {
          const ids: string[] = []
          for (const id of asked) ids.push(await wholeJobId(db, id))
          const done: { id: string; outcome: string }[] = []
          for (const id of ids)
            done.push({ id, outcome: await retry(db, given({ id, runAt: options.runAt })) })
          return done
        })
        if (options.json) await context.out.json(outcomes)
        else await context.out.lines(...outcomes.map(outcomeLine))
        return outcomes.every(({ outcome }) => outcome === 'ok') ? 0 : 1
      }),
    )
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
