import { pauseSchedule, removeSchedule, resumeSchedule } from '../../../jobs/schedules/change-schedule.ts'
import { listSchedules } from '../../../jobs/schedules/list-schedules.ts'
import { type Define, given } from '../../command.ts'
import { withDatabase } from '../../connection.ts'
import { CommandError } from '../../exit.ts'
import { duration, time } from '../../format.ts'
import { tableLines } from '../../table.ts'
import { onOneLine } from '../../terminal.ts'

type Schedule = Awaited<ReturnType<typeof listSchedules>>[number]

const changes = { pause: pauseSchedule, resume: resumeSchedule, remove: removeSchedule } as const
const done = { pause: 'paused', resume: 'goes on', remove: 'removed' } as const

export const defineJobsSchedules: Define = (jobs, handler) => {
  const schedules = jobs
    .command('schedules')
    .summary('jobs that come again and again')
    .description('Lists schedules: when each is next due, and why one is paused.')
    .option('-q, --queue <name>', 'of this queue')
    .action(
      handler<{ queue?: string }>(async (context, options) => {
        const found = await withDatabase(context, options, ({ db }) =>
          listSchedules(db, given({ queue: options.queue })),
        )
        if (options.json) await context.out.json(found)
        else if (found.length === 0) await context.err.lines('no schedules')
        else {
          await context.out.lines(
            ...tableLines(
              context.out.terminal,
              ['next', 'every', 'queue', 'schedule'],
              found.map((schedule) => ({
                cells: [nextOf(schedule), rhythmOf(schedule), onOneLine(schedule.queue), nameOf(schedule)],
              })),
            ),
          )
        }
        return 0
      }),
    )

  for (const verb of ['pause', 'resume', 'remove'] as const) {
    schedules
      .command(verb)
      .summary(`${verb} a schedule`)
      .argument('<key>', 'its key')
      .action(
        handler<object, [string]>(async (context, options, key) => {
          const isThere = await withDatabase(context, options, ({ db }) => changes[verb](db, { key }))
          if (!isThere) throw new CommandError(`there is no schedule "${key}"`)
          await context.out.lines(`${onOneLine(key)}: ${done[verb]}`)
          return 0
        }),
      )
  }
}

function nextOf({ pausedAt, isOver, nextAt }: Schedule): string {
  if (pausedAt !== null) return 'paused'
  if (isOver) return 'over'
  return nextAt === null ? 'not known yet' : time(nextAt)
}

function rhythmOf({ cron, timeZone, everySeconds }: Schedule): string {
  return cron === null ? duration(everySeconds ?? 0) : onOneLine(`${cron} ${timeZone}`)
}

function nameOf({ key, intent, error }: Schedule): string {
  return onOneLine(`${key}: ${intent}${error === null ? '' : ` (${error})`}`)
}
