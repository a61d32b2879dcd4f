import { getJob } from '../../../jobs/reading/get-job.ts'
import { approve } from '../../../jobs/waiting/approve.ts'
import { reject } from '../../../jobs/waiting/reject.ts'
import type { Job } from '../../../schema/jobs.ts'
import { type Define, given, type Handler } from '../../command.ts'
import { confirmed } from '../../confirm.ts'
import { withDatabase } from '../../connection.ts'
import { CommandError } from '../../exit.ts'
import { printable } from '../../terminal.ts'
import { wholeJobId } from './whole-job-id.ts'

interface AnswerOptions {
  readonly by?: string
  readonly comment?: string
  readonly yes?: true
}

export const defineJobsAnswer: Define = (jobs, handler) => {
  jobs
    .command('approve')
    .summary('say yes to a job that waits for approval')
    .description('Shows what a job asks, and says yes to it: the job goes on.')
    .argument('<id>', 'its id, or the end of it')
    .option('--by <who>', 'who decided')
    .option('--comment <text>', 'for the record')
    .option('--yes', 'do not ask')
    .action(answerWith(handler, 'approve'))

  jobs
    .command('reject')
    .summary('say no to a job that waits for approval')
    .description(
      'Shows what a job asks, and says no to it: the job has failed, with the comment as its message.',
    )
    .argument('<id>', 'its id, or the end of it')
    .option('--by <who>', 'who decided')
    .option('--comment <text>', 'why')
    .option('--yes', 'do not ask')
    .action(answerWith(handler, 'reject'))
}

function answerWith(handler: Handler, verb: 'approve' | 'reject') {
  return handler<AnswerOptions, [string]>(async (context, options, id) =>
    withDatabase(context, options, async ({ db }) => {
      const job = await getJob(db, { id: await wholeJobId(db, id) })
      if (job === null || job.waitId === null || job.waitReason !== 'approval') {
        throw new CommandError(`the job does not wait for approval: it is ${job?.status ?? 'gone'}`)
      }
      await context.err.lines(...questionLines(job))
      if (!options.yes && !(await confirmed(context, verb === 'approve' ? 'Approve it?' : 'Reject it?'))) {
        await context.err.lines('nothing was answered')
        return 1
      }
      const answer = { approve, reject }[verb]
      // Of the question that was shown: another one meanwhile is not answered with it.
      const { id: jobId, waitId } = job
      const decision = given({ by: options.by, comment: options.comment })
      const outcome = await answer(db, { id: jobId, waitId, ...decision })
      if (outcome !== 'ok') throw new CommandError(`not answered: ${outcome.replaceAll('_', ' ')}`)
      if (options.json) await context.out.json({ id: job.id, outcome })
      else await context.out.lines(verb === 'approve' ? 'approved' : 'rejected')
      return 0
    }),
  )
}

/** What is asked, and by which job: nobody should say yes to an id. */
function questionLines(job: Job): string[] {
  return [
    printable(`${job.intent}, in the queue ${job.queue}`),
    printable(`asks: ${JSON.stringify(job.requiredAction)}`),
    printable(`inputs: ${JSON.stringify(job.inputs)}`),
  ]
}
