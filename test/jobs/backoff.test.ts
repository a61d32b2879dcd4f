import { beforeAll, expect, it } from 'vitest'
import { claim, fail, reportProgress, retry, work } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { type Clock, stopClock } from './clock.ts'
import { read, running, uniqueName } from './fixtures.ts'

describeOnEachBackend('the pause before another attempt', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db)
  })

  /** Seconds from each failure to the next attempt, for as many attempts. */
  async function pauses(backoffSeconds: number, attempts: number): Promise<number[]> {
    const queue = uniqueName()
    let job = await running(test.db, { queue, backoffSeconds, maxAttempts: attempts + 1 })
    const seconds: number[] = []
    for (let attempt = 1; attempt <= attempts; attempt++) {
      await fail(test.db, { id: job.id, leaseToken: job.leaseToken, error: { code: 'x', message: 'x' } })
      const pause = ((await read(test.db, job.id)).runAt.getTime() - (await clock.now()).getTime()) / 1000
      seconds.push(pause)
      await clock.advance(pause + 1)
      const [next] = await claim(test.db, { queue, workerId: 'w', leaseSeconds: 60 })
      if (next === undefined) throw new Error(`attempt ${attempt + 1} could not be claimed`)
      job = next
    }
    return seconds
  }

  it('doubles from attempt to attempt, and never exceeds a day', async () => {
    const seconds = await pauses(10_000, 8)
    seconds.forEach((pause, at) => {
      const whole = Math.min(10_000 * 2 ** at, 86_400)
      expect(pause).toBeGreaterThanOrEqual(whole / 2)
      expect(pause).toBeLessThanOrEqual(whole)
    })
    // The first that reaches the cap would have been 160,000.
    expect(seconds.slice(4).every((pause) => pause <= 86_400)).toBe(true)
    expect(Math.max(...seconds)).toBeGreaterThan(43_200)
  })

  it('differs from job to job, over the whole upper half', async () => {
    const seconds: number[] = []
    for (let at = 0; at < 40; at++) seconds.push(...(await pauses(1000, 1)))
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(500)
    expect(Math.max(...seconds)).toBeLessThanOrEqual(1000)
    // That 40 draws leave a quarter of the range empty has a chance of 1 in 100,000.
    expect(seconds.filter((pause) => pause < 625).length).toBeGreaterThan(0)
    expect(seconds.filter((pause) => pause > 875).length).toBeGreaterThan(0)
    expect(new Set(seconds).size).toBeGreaterThan(30)
  })

  it('starts anew, without a trace of the attempts before, when a job is retried by hand', async () => {
    const job = await running(test.db, { maxAttempts: 1 })
    const lease = { id: job.id, leaseToken: job.leaseToken }
    await reportProgress(test.db, { ...lease, progress: 0.7, message: 'nearly' })
    await fail(test.db, { ...lease, error: { code: 'x', message: 'x' } })
    expect(await read(test.db, job.id)).toMatchObject({ status: 'failed', progress: expect.closeTo(0.7) })
    expect(await retry(test.db, { id: job.id })).toBe('ok')
    expect(await read(test.db, job.id)).toMatchObject({
      status: 'pending',
      attempt: 0,
      progress: 0,
      progressMessage: null,
      error: null,
    })
  })
})

describeOnEachBackend('an error that a handler throws', (test) => {
  it('may say in how many seconds to try again', async () => {
    const queue = uniqueName()
    const job = await running(test.db, { queue, backoffSeconds: 1000, maxAttempts: 3 })
    // Given back, so that the worker takes it.
    await fail(test.db, {
      id: job.id,
      leaseToken: job.leaseToken,
      error: { code: 'x', message: 'x' },
      retryInSeconds: 0,
    })
    const thrown = new Promise<number>((resolve) => {
      const worker = work(
        test.db,
        {
          test: () => {
            resolve(Date.now())
            void worker.stop()
            throw Object.assign(new Error('slow down'), { retryInSeconds: 7 })
          },
        },
        { queue, pollMilliseconds: 20 },
      )
      void worker.stopped
    })
    const at = await thrown
    await expect.poll(async () => (await read(test.db, job.id)).status).toBe('pending')
    const { runAt } = await read(test.db, job.id)
    expect((runAt.getTime() - at) / 1000).toBeGreaterThan(5)
    expect((runAt.getTime() - at) / 1000).toBeLessThan(30)
  })
})
