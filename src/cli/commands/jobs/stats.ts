import { latencyStats, type Percentiles } from '../../../jobs/reading/latency-stats.ts'
import { type QueueStats, queueStats } from '../../../jobs/reading/queue-stats.ts'
import { usageStats } from '../../../jobs/reading/usage-stats.ts'
import { type Define, given } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import { count, duration } from '../../format.ts'
import { tableLines } from '../../table.ts'
import { onOneLine, styled, type Terminal } from '../../terminal.ts'

const right = (title: string) => ({ title, align: 'right' }) as const

export const defineJobsStats: Define = (jobs, handler) => {
  jobs
    .command('stats')
    .summary('queues, latency and cost')
    .description('How each queue is doing, how long jobs took, and what models cost.')
    .option('-q, --queue <name>', 'only this queue')
    .option('--period <time>', "how far back to look, for example '15 minutes'", '1 hour')
    .action(
      handler<{ queue?: string; period: string }>(async (context, options) => {
        const asked = given({ queue: options.queue, period: options.period })
        const stats = await withDatabase(context, options, async ({ db }) => ({
          queues: await queueStats(db, asked),
          latency: await latencyStats(db, asked),
          usage: await usageStats(db, asked),
        }))
        if (options.json) {
          await context.out.json(stats)
          return 0
        }
        const { terminal } = context.out
        const title = (text: string) => styled(terminal, 'bold', text)
        await context.out.lines(...queueLines(terminal, stats.queues))
        if (stats.queues.length === 0) await context.err.lines('no jobs')
        if (stats.latency.length > 0) {
          const rows = stats.latency.map((row) => ({
            cells: [
              count(row.jobs),
              count(row.failed),
              percentiles(row.queued),
              percentiles(row.running),
              onOneLine(`${row.queue}: ${row.intent} (${row.mode})`),
            ],
          }))
          const header = [right('ended'), right('failed'), 'queued p50/p95', 'running p50/p95', 'jobs']
          await context.out.lines(
            '',
            title(`Ended in the last ${options.period}`),
            ...tableLines(terminal, header, rows),
          )
        }
        if (stats.usage.length > 0) {
          const rows = stats.usage.map((row) => ({
            cells: [
              row.cost.toFixed(4),
              count(row.inputTokens),
              count(row.outputTokens),
              count(row.jobs),
              onOneLine(row.model),
            ],
          }))
          const header = [right('cost'), right('tokens in'), right('tokens out'), right('jobs'), 'model']
          await context.out.lines('', title('Models'), ...tableLines(terminal, header, rows))
        }
        return 0
      }),
    )
}

/** Queues as a table. */
export function queueLines(terminal: Terminal, queues: readonly QueueStats[]): string[] {
  if (queues.length === 0) return []
  return tableLines(
    terminal,
    [
      ...['ready', 'scheduled', 'running', 'waiting', 'completed', 'failed', 'per s', 'oldest'].map(right),
      'queue',
    ],
    queues.map((queue) => ({
      cells: [
        ...[queue.ready, queue.scheduled, queue.running, queue.waiting, queue.completed, queue.failed].map(
          count,
        ),
        queue.perSecond.toFixed(queue.perSecond < 10 ? 2 : 0),
        queue.oldestReadySeconds === null ? '–' : duration(queue.oldestReadySeconds),
        onOneLine(queue.queue),
      ],
    })),
  )
}

function percentiles({ p50, p95 }: Percentiles): string {
  return [p50, p95].map((value) => (value === null ? '–' : duration(value))).join(' / ')
}
