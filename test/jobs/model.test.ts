import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { jobAttempts, putSchedule, setJobLimit } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { uniqueName } from './fixtures.ts'
import { JobModel } from './job-model.ts'
import { steps } from './model-steps.ts'

describeOnEachBackend('jobs and their model', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  it('agree after every step', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: 100, size: 'max' }), async (commands) => {
        const real = { db: test.db, clock, queue: uniqueName(), waitIds: new Map() }
        await setJobLimit(test.db, { queue: real.queue, key: 'limited', maxRunning: 2 })
        // Ids are made with the steps; a run that is repeated to find the smallest failure must not find its own rows.
        await test.db.execute('TRUNCATE jobs, job_attempts, job_answers, job_wakeups, schedules')
        const schedule = { key: real.queue, queue: real.queue, intent: 'test', missed: 'all' } as const
        await putSchedule(test.db, { ...schedule, everySeconds: 7 })
        const model = new JobModel((await clock.now()).getTime(), 7000, { limited: 2 })
        await fc.asyncModelRun(() => ({ model, real }), commands)
        for (const { id, attempts } of model.jobs.values()) {
          expect(
            (await jobAttempts(test.db, { id })).map(({ leaseToken, outcome }) => [leaseToken, outcome]),
          ).toEqual(attempts)
        }
      }),
      { numRuns: Number(process.env.MODEL_RUNS ?? 40), endOnFailure: false },
    )
  }, 600_000)
})
