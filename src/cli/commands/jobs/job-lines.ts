import type { Job } from '../../../schema/jobs.ts'
import { age, shortJobId } from '../../format.ts'
import { tableLines } from '../../table.ts'
import { onOneLine, type Style, type Terminal } from '../../terminal.ts'

export const statusStyles: Readonly<Record<Job['status'], Style | undefined>> = {
  pending: undefined,
  running: 'cyan',
  waiting: 'yellow',
  completed: 'green',
  failed: 'red',
  cancelled: 'dim',
}

/** What a job is at, in a few words: how far it is, what it waits for, or how it ended. */
export function jobState(
  job: Pick<Job, 'status' | 'progress' | 'progressMessage' | 'waitReason' | 'error'>,
): string {
  if (job.status === 'waiting') return `waits for ${job.waitReason ?? 'something'}`
  if (job.status === 'failed') return onOneLine(`${job.error?.code ?? 'failed'}: ${job.error?.message ?? ''}`)
  if (job.status !== 'running') return ''
  const share = `${Math.round(job.progress * 100)} %`
  return job.progressMessage ? `${share} ${onOneLine(job.progressMessage)}` : share
}

/** Jobs as a table. */
export function jobLines(terminal: Terminal, jobs: readonly Job[], now = Date.now()): string[] {
  if (jobs.length === 0) return []
  const hasQueues = new Set(jobs.map(({ queue }) => queue)).size > 1
  return tableLines(
    terminal,
    ['id', 'status', { title: 'age', align: 'right' }, ...(hasQueues ? ['queue'] : []), 'job'],
    jobs.map((job) => {
      const state = jobState(job)
      return {
        cells: [
          shortJobId(job.id),
          job.status,
          age(job.createdAt, now),
          ...(hasQueues ? [onOneLine(job.queue)] : []),
          state === '' ? onOneLine(job.intent) : `${onOneLine(job.intent)} (${state})`,
        ],
        style: terminal.hasColour ? statusStyles[job.status] : undefined,
      }
    }),
  )
}
