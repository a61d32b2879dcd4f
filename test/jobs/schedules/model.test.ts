import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import {
  enqueueDueSlots,
  listJobs,
  pauseSchedule,
  putSchedule,
  removeSchedule,
  resumeSchedule,
} from '../../../src/index.ts'
import { describeOnEachBackend } from '../../support/backends.ts'
import { type Clock, stopClock } from '../clock.ts'
import { uniqueName } from '../fixtures.ts'

const runs = Number(process.env.SCHEDULE_MODEL_RUNS ?? 15)

/** Rhythms, each with the test for its slots that needs no calendar: whole seconds since 1970, in UTC. */
const rhythms = [
  { given: { everySeconds: 60 }, isSlot: (second: number) => second % 60 === 0 },
  { given: { everySeconds: 45 }, isSlot: (second: number) => second % 45 === 0 },
  { given: { cron: '*/2 * * * *' }, isSlot: (second: number) => second % 120 === 0 },
  { given: { cron: '30 5,20 * * * *' }, isSlot: (second: number) => [330, 1230].includes(second % 3600) },
] as const

type Missed = 'skip' | 'once' | 'all'
type Step =
  | { readonly kind: 'put'; readonly rhythm: number; readonly missed: Missed }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'remove' }
  | { readonly kind: 'advance'; readonly seconds: number }
  | { readonly kind: 'run'; readonly workers: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('put' as const),
      rhythm: fc.nat(rhythms.length - 1),
      missed: fc.constantFrom<Missed>('skip', 'once', 'all'),
    }),
    fc.constantFrom<Step>({ kind: 'pause' }, { kind: 'resume' }, { kind: 'remove' }),
    fc.record({ kind: fc.constant('advance' as const), seconds: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ kind: fc.constant('run' as const), workers: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('run' as const), workers: fc.integer({ min: 1, max: 3 }) }),
  ),
  { minLength: 10, maxLength: 40 },
)

const lateSeconds = 30
const missedLimit = 4

/** What a schedule must do, second by second. */
class Model {
  readonly enqueued: number[] = []
  now: number
  #schedule: { rhythm: number; missed: Missed; after: number; isPaused: boolean } | undefined

  constructor(now: number) {
    this.now = now
  }

  take(step: Step): void {
    const schedule = this.#schedule
    if (step.kind === 'advance') this.now += step.seconds
    else if (step.kind === 'put') {
      const { rhythm, missed } = step
      const isNew = schedule === undefined
      const after = isNew || schedule.rhythm !== rhythm ? this.now : schedule.after
      this.#schedule = { rhythm, missed, after, isPaused: schedule?.isPaused ?? false }
    } else if (step.kind === 'remove') this.#schedule = undefined
    else if (schedule === undefined) return
    else if (step.kind === 'pause') schedule.isPaused = true
    else if (step.kind === 'resume') {
      if (schedule.isPaused) schedule.after = this.now
      schedule.isPaused = false
    } else if (!schedule.isPaused) this.#run(schedule)
  }

  #run(schedule: { rhythm: number; missed: Missed; after: number }): void {
    const due: number[] = []
    for (let second = schedule.after + 1; second <= this.now; second += 1) {
      if (rhythms[schedule.rhythm]?.isSlot(second)) due.push(second)
    }
    if (schedule.missed === 'all') this.enqueued.push(...due.slice(-missedLimit))
    else {
      const latest = due.slice(-1).filter((s) => schedule.missed === 'once' || this.now - s <= lateSeconds)
      this.enqueued.push(...latest)
    }
    schedule.after = due.at(-1) ?? schedule.after
  }
}

describeOnEachBackend('schedules and their model', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db, '2030-01-01T00:00:00Z')
  })

  it('enqueue the same slots, whatever happens and however many run them', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const key = uniqueName()
        const model = new Model((await clock.now()).getTime() / 1000)
        for (const step of script) {
          model.take(step)
          if (step.kind === 'advance') await clock.advance(step.seconds)
          else if (step.kind === 'put') {
            const { given } = rhythms[step.rhythm] ?? rhythms[0]
            const { missed } = step
            const options = { key, queue: key, intent: 'a', missed, lateSeconds, missedLimit }
            await putSchedule(test.db, { ...options, ...given })
          } else if (step.kind === 'pause') await pauseSchedule(test.db, { key })
          else if (step.kind === 'resume') await resumeSchedule(test.db, { key })
          else if (step.kind === 'remove') await removeSchedule(test.db, { key })
          // Each sees the same schedules due, and only one of them enqueues.
          else await Promise.all(Array.from({ length: step.workers }, () => enqueueDueSlots(test.db)))
        }
        await removeSchedule(test.db, { key })
        const { items } = await listJobs(test.db, { queue: key, limit: 1000 })
        const slots = items.map(({ metadata }) => Date.parse(String(metadata.slot)) / 1000)
        expect(slots.sort((one, other) => one - other)).toEqual(model.enqueued)
      }),
      { numRuns: runs },
    )
  })
})
