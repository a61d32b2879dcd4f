import { pauseSchedule, removeSchedule, resumeSchedule } from '../../../jobs/schedules/change-schedule.ts'
import { type ListedSchedule, listSchedules } from '../../../jobs/schedules/list-schedules.ts'
import { type Define, given } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import { CommandError, UsageError } from '../../exit.ts'
import { duration } from '../../format.ts'
import { tableLines } from '../../table.ts'
import { onOneLine, type Terminal } from '../../terminal.ts'

interface SchedulesOptions {
  readonly queue?: string
  readonly pause?: string
  readonly resume?: string
  readonly remove?: string
}

export const defineJobsSchedules: Define = (jobs, handler) => {
  jobs
    .command('schedules')
    .summary('jobs that come again and again')
    .description('Lists the schedules, or pauses, resumes or removes one.')
    .option('-q, --queue <name>', 'of this queue')
    .option('--pause <key>', 'enqueue nothing more of this one')
    .option('--resume <key>', 'go on with this one, from now on')
    .option('--remove <key>', 'forget this one; its jobs stay')
    .action(
      handler<SchedulesOptions>(async (context, options) => {
        const { queue, pause, resume, remove } = options
        const changes = [
          [pause, pauseSchedule, 'paused'],
          [resume, resumeSchedule, 'resumed'],
          [remove, removeSchedule, 'removed'],
        ] as const
        const asked = changes.filter(([key]) => key !== undefined)
        if (asked.length > 1) throw new UsageError('give one of --pause, --resume and --remove')
        return withDatabase(context, options, async ({ db }) => {
          for (const [key = '', change, done] of asked) {
            if (!(await change(db, { key }))) throw new CommandError(`there is no schedule ${key}`)
            if (options.json) await context.out.json({ key, outcome: done })
            else await context.out.lines(done)
            return 0
          }
          const schedules = await listSchedules(db, given({ queue }))
          if (options.json) await context.out.json(schedules)
          else await context.out.lines(...scheduleLines(context.out.terminal, schedules))
          if (schedules.length === 0) await context.err.lines('no schedules')
          return 0
        })
      }),
    )
}

function scheduleLines(terminal: Terminal, schedules: readonly ListedSchedule[]): string[] {
  if (schedules.length === 0) return []
  return tableLines(
    terminal,
    ['schedule', 'rhythm', 'next', 'job'],
    schedules.map((schedule) => ({
      cells: [
        onOneLine(schedule.key),
        schedule.cron === null
          ? `every ${duration(schedule.everySeconds ?? 0)}`
          : onOneLine(`${schedule.cron} (${schedule.timeZone})`),
        nextOf(schedule),
        onOneLine(`${schedule.queue}: ${schedule.intent}`),
      ],
    })),
  )
}

function nextOf({ pausedAt, error, isOver, nextAt }: ListedSchedule): string {
  if (pausedAt !== null) return error === null ? 'paused' : onOneLine(`paused: ${error}`)
  if (isOver) return 'never again'
  return nextAt === null ? 'when a worker runs it' : nextAt.toISOString()
}
