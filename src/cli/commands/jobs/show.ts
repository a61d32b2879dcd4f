import { getJob } from '../../../jobs/reading/get-job.ts'
import { jobAttempts } from '../../../jobs/reading/job-attempts.ts'
import { type JobTreeNode, jobTree } from '../../../jobs/reading/job-tree.ts'
import type { Job, JobAttempt } from '../../../schema/index.ts'
import type { Define } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import { CommandError } from '../../exit.ts'
import { duration, shortJobId, time } from '../../format.ts'
import { fieldLines, tableLines } from '../../table.ts'
import { onOneLine, printable, styled, type Terminal } from '../../terminal.ts'
import { jobState, statusStyles } from './job-lines.ts'
import { wholeJobId } from './whole-job-id.ts'

export const defineJobsShow: Define = (jobs, handler) => {
  jobs
    .command('show')
    .summary('all of a job')
    .description('Shows all of a job, with its attempts.')
    .argument('<id>', 'its id, or the end of it')
    .action(
      handler<object, [string]>(async (context, options, given) => {
        const { job, attempts } = await withDatabase(context, options, async ({ db }) => {
          const id = await wholeJobId(db, given)
          return { job: await getJob(db, { id }), attempts: await jobAttempts(db, { id }) }
        })
        if (job === null) throw new CommandError(`there is no job with the id "${given}"`)
        if (options.json) await context.out.json({ ...job, attempts })
        else await context.out.lines(...jobDetails(context.out.terminal, job, attempts))
        return 0
      }),
    )

  jobs
    .command('tree')
    .summary('a job with its descendants')
    .description('Shows a job with its descendants.')
    .argument('<id>', 'its id, or the end of it')
    .action(
      handler<object, [string]>(async (context, options, given) => {
        const nodes = await withDatabase(context, options, async ({ db }) =>
          jobTree(db, { id: await wholeJobId(db, given) }),
        )
        if (options.json) await context.out.json(nodes)
        else await context.out.lines(...nodes.map((node) => treeLine(context.out.terminal, node)))
        return 0
      }),
    )
}

/** All of a job that says something, its question first where it waits for an answer. */
export function jobDetails(terminal: Terminal, job: Job, attempts: readonly JobAttempt[]): string[] {
  const fields: [string, string | null][] = [
    ['id', onOneLine(job.id)],
    ['status', styled(terminal, statusStyles[job.status] ?? 'bold', job.status)],
    ['at', jobState(job) || null],
    ['question', job.requiredAction === null ? null : json(job.requiredAction)],
    ['queue', `${onOneLine(job.queue)}, priority ${job.priority}, mode ${job.mode}`],
    ['attempt', `${job.attempt} of ${job.maxAttempts}`],
    ['worker', job.workerId === null ? null : onOneLine(job.workerId)],
    ['parent', job.parentId],
    ['trace', job.traceId],
    ['created', time(job.createdAt)],
    ['runs at', job.status === 'pending' ? time(job.runAt) : null],
    ['started', job.startedAt && time(job.startedAt)],
    ['ended', job.completedAt && time(job.completedAt)],
    ['deadline', job.deadlineAt && time(job.deadlineAt)],
    ['inputs', json(job.inputs)],
    ['metadata', Object.keys(job.metadata).length > 0 ? json(job.metadata) : null],
    ['usage', Object.keys(job.usage).length > 0 ? json(job.usage) : null],
    ['result', job.result === null ? null : json(job.result)],
    ['error', job.error === null ? null : json(job.error)],
  ]
  const told = fields.filter((field): field is [string, string] => field[1] !== null)
  return [
    printable(job.intent),
    '',
    ...fieldLines(terminal, told),
    ...(attempts.length === 0 ? [] : ['', ...attemptLines(terminal, attempts)]),
  ]
}

function attemptLines(terminal: Terminal, attempts: readonly JobAttempt[]): string[] {
  return tableLines(
    terminal,
    [{ title: 'attempt', align: 'right' }, 'started', { title: 'took', align: 'right' }, 'outcome', 'worker'],
    attempts.map((attempt) => ({
      cells: [
        String(attempt.attempt),
        time(attempt.startedAt),
        duration((attempt.finishedAt.getTime() - attempt.startedAt.getTime()) / 1000),
        `${attempt.outcome}${attempt.error ? `: ${onOneLine(attempt.error.message)}` : ''}`,
        onOneLine(attempt.workerId),
      ],
    })),
  )
}

function treeLine(terminal: Terminal, node: JobTreeNode): string {
  const state = jobState(node)
  const status = styled(terminal, statusStyles[node.status] ?? 'bold', node.status)
  const told = state === '' ? '' : ` (${state})`
  return `${'  '.repeat(node.depth)}${onOneLine(node.intent)}  ${status}${told}  ${styled(terminal, 'dim', shortJobId(node.id))}`
}

function json(value: unknown): string {
  return printable(JSON.stringify(value))
}
