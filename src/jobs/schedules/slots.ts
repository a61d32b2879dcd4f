import { Cron } from 'croner'
import { InvalidInputError } from '../../errors.ts'
import type { Schedule } from '../../schema/schedules.ts'

/** When a schedule is due, and what is made up for. */
export type Rhythm = Pick<
  Schedule,
  'cron' | 'timeZone' | 'everySeconds' | 'missed' | 'missedLimit' | 'lateSeconds'
>

export interface SlotPlan {
  /** What to enqueue now, in order. */
  readonly slots: Date[]
  /** The latest slot that is past, enqueued or not; undefined if there was none. */
  readonly latest: Date | undefined
  /** The next slot after now; undefined if there never is one. */
  readonly next: Date | undefined
}

/**
 * The slots of a schedule after one moment and up to another, as far as they are to be enqueued.
 *
 * A time of day that a change to summer time leaves out is due when the clock has gone forward; one that comes twice in
 * autumn is due once, the first time. What is due every hour or oftener follows elapsed time.
 *
 * @throws InvalidInputError for a cron expression or a time zone that cannot be read.
 */
export function planSlots(rhythm: Rhythm, after: Date, now: Date): SlotPlan {
  const count = rhythm.missed === 'all' ? rhythm.missedLimit : 1
  const { past, next } =
    rhythm.everySeconds === null
      ? cronSlots(rhythm, after, now, count)
      : everySlots(rhythm.everySeconds, after, now, count)
  const isLate = (slot: Date) => now.getTime() - slot.getTime() > rhythm.lateSeconds * 1000
  return {
    slots: rhythm.missed === 'skip' ? past.filter((slot) => !isLate(slot)) : past,
    latest: past.at(-1),
    next,
  }
}

interface Slots {
  /** The latest `count` slots after `after`, up to and including `now`, in order. */
  readonly past: Date[]
  readonly next: Date | undefined
}

// Beyond so many, looking back from now is quicker.
const maxStepsForward = 200

function cronSlots(
  { cron, timeZone }: Pick<Rhythm, 'cron' | 'timeZone'>,
  after: Date,
  now: Date,
  count: number,
): Slots {
  const pattern = readCron(cron ?? '', timeZone)
  const past: Date[] = []
  let next = pattern.nextRun(after)
  while (next !== null && next <= now && past.length < maxStepsForward) {
    past.push(next)
    next = pattern.nextRun(next)
  }
  if (next === null || next > now) return { past: past.slice(-count), next: next ?? undefined }
  // The reference itself is left out.
  const latest = pattern.previousRuns(count, new Date(now.getTime() + 1)).reverse()
  return { past: latest.filter((slot) => slot > after), next: pattern.nextRun(now) ?? undefined }
}

function everySlots(everySeconds: number, after: Date, now: Date, count: number): Slots {
  const period = everySeconds * 1000
  const slot = (number: number) => new Date(Math.round(number * period))
  let last = Math.floor(now.getTime() / period) + 1
  // Rounded slots of a period like 1.3 s may lie on the other side of now than the exact ones.
  while (slot(last) > now) last -= 1
  const past = Array.from({ length: count }, (_, at) => slot(last - count + 1 + at))
  return { past: past.filter((each) => each > after), next: slot(last + 1) }
}

const patterns = new Map<string, Cron>()

/** @throws InvalidInputError that says what cannot be read. */
export function readCron(cron: string, timeZone: string): Cron {
  const key = `${timeZone} ${cron}`
  const known = patterns.get(key)
  if (known) return known
  try {
    const pattern = new Cron(cron, { timezone: timeZone, paused: true })
    pattern.nextRun()
    if (patterns.size >= 1000) patterns.clear()
    patterns.set(key, pattern)
    return pattern
  } catch (error) {
    throw new InvalidInputError(
      `cron must be an expression of five fields (six with seconds) and timeZone a name like Europe/Berlin, got ${JSON.stringify(cron)} in ${JSON.stringify(timeZone)}: ${(error as Error).message}`,
      { cause: error },
    )
  }
}
