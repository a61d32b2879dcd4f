import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import {
  claim,
  enqueueDueSlots,
  InvalidInputError,
  listJobs,
  listSchedules,
  pauseSchedule,
  putSchedule,
  removeSchedule,
  resumeSchedule,
  runSchedules,
  work,
} from '../../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../../support/backends.ts'
import { type Clock, stopClock } from '../clock.ts'
import { read, uniqueName } from '../fixtures.ts'

describeOnEachBackend('schedules', (test) => {
  let clock: Clock
  beforeAll(async () => {
    clock = await stopClock(test.db, '2030-01-01T00:00:30Z')
  })

  /** What is due of one schedule now. */
  const due = async (key: string) =>
    (await enqueueDueSlots(test.db)).enqueued
      .filter((slot) => slot.key === key)
      .map(({ slot }) => slot.toISOString().slice(11, 19))

  it('enqueue a job at each slot, once, with what was said', async () => {
    const key = uniqueName()
    const queue = uniqueName()
    const options = { key, queue, intent: 'digest', cron: '* * * * *', priority: 3, maxAttempts: 5 }
    const inputs = { text: 'a "b" \\ é 🙂' }
    expect(await putSchedule(test.db, { ...options, inputs, metadata: { by: 'test' } })).toEqual({
      created: true,
    })
    expect((await listSchedules(test.db, { queue }))[0]).toMatchObject({ nextAt: null, inputs })
    expect(await due(key)).toEqual([])
    expect((await listSchedules(test.db, { queue }))[0]).toMatchObject({
      nextAt: new Date('2030-01-01T00:01:00Z'),
      isOver: false,
      error: null,
    })
    expect((await enqueueDueSlots(test.db)).secondsToNext).toBeCloseTo(30)
    await clock.advance(30)
    expect(await due(key)).toEqual(['00:01:00'])
    expect(await due(key)).toEqual([])
    const { items } = await listJobs(test.db, { queue })
    expect(items).toMatchObject([
      {
        intent: 'digest',
        inputs,
        priority: 3,
        maxAttempts: 5,
        idempotencyKey: `schedule:${key}:2030-01-01T00:01:00.000Z`,
        metadata: { by: 'test', schedule: key, slot: '2030-01-01T00:01:00.000Z' },
      },
    ])
    await removeSchedule(test.db, { key })
  })

  it('make up for what was missed as they were told', async () => {
    const keys = { skip: uniqueName(), once: uniqueName(), all: uniqueName() }
    for (const [missed, key] of Object.entries(keys)) {
      const options = { key, intent: 'a', queue: key, missed: missed as 'all', missedLimit: 3 }
      await putSchedule(test.db, { ...options, everySeconds: 60 })
    }
    const start = await clock.now()
    await clock.advance(600)
    const { enqueued } = await enqueueDueSlots(test.db)
    const of = (key: string) =>
      enqueued.filter((slot) => slot.key === key).map(({ slot }) => (slot.getTime() - start.getTime()) / 1000)
    expect(of(keys.skip)).toEqual([600])
    expect(of(keys.once)).toEqual([600])
    expect(of(keys.all)).toEqual([480, 540, 600])
    await clock.advance(59)
    expect((await enqueueDueSlots(test.db)).enqueued).toEqual([])
    // More than a minute late: skipped, or made up for.
    await putSchedule(test.db, {
      key: keys.skip,
      intent: 'a',
      queue: keys.skip,
      missed: 'skip',
      everySeconds: 86_400,
    })
    await due(keys.skip)
    await clock.advance(86_400)
    const late = (await enqueueDueSlots(test.db)).enqueued.map(({ key }) => key)
    expect(late).not.toContain(keys.skip)
    expect(late).toContain(keys.once)
    for (const key of Object.values(keys)) await removeSchedule(test.db, { key })
  })

  it('are paused, and go on from then; and are changed and removed', async () => {
    const key = uniqueName()
    const options = { key, intent: 'a', queue: uniqueName(), everySeconds: 60, missed: 'all' as const }
    await putSchedule(test.db, options)
    await due(key)
    expect(await pauseSchedule(test.db, { key })).toBe(true)
    await clock.advance(180)
    expect(await due(key)).toEqual([])
    expect(await putSchedule(test.db, { ...options, priority: 1 })).toEqual({ created: false })
    expect(await due(key)).toEqual([])
    expect(await resumeSchedule(test.db, { key })).toBe(true)
    expect(await due(key)).toEqual([])
    await clock.advance(60)
    expect(await due(key)).toHaveLength(1)
    // Another rhythm counts from now on, the same one goes on where it was.
    await clock.advance(120)
    await putSchedule(test.db, { ...options, priority: 2 })
    expect(await due(key)).toHaveLength(2)
    await clock.advance(120)
    await putSchedule(test.db, { ...options, everySeconds: 30 })
    expect(await due(key)).toHaveLength(0)
    expect(await removeSchedule(test.db, { key })).toBe(true)
    expect(await removeSchedule(test.db, { key })).toBe(false)
    expect(await pauseSchedule(test.db, { key })).toBe(false)
    expect(await resumeSchedule(test.db, { key })).toBe(false)
  })

  it('do not overlap with a singleton key', async () => {
    const key = uniqueName()
    const queue = uniqueName()
    await putSchedule(test.db, { key, intent: 'a', queue, everySeconds: 60, singletonKey: key })
    await due(key)
    await clock.advance(60)
    const first = (await enqueueDueSlots(test.db)).enqueued
    await clock.advance(60)
    expect((await enqueueDueSlots(test.db)).enqueued).toEqual([
      { ...first[0], slot: expect.any(Date), created: false },
    ])
    expect((await listJobs(test.db, { queue })).items).toHaveLength(1)
    await removeSchedule(test.db, { key })
  })

  it('that cannot be run are paused and say why, and do not hold up the others', async () => {
    const [bad, good] = [uniqueName(), uniqueName()]
    await test.db.execute(
      sql`SELECT put_schedule(${bad}::text, 'a', cron => '61 * * * *', queue => ${bad}::text)`,
    )
    await putSchedule(test.db, { key: good, intent: 'a', queue: good, everySeconds: 60 })
    const errors: unknown[] = []
    await enqueueDueSlots(test.db, { onError: (error) => errors.push(error) })
    expect(errors).toMatchObject([{ message: expect.stringContaining(`schedule ${bad} is paused`) }])
    expect((await listSchedules(test.db, { queue: bad }))[0]).toMatchObject({
      pausedAt: expect.any(Date),
      error: expect.stringContaining('minute: 61'),
    })
    await clock.advance(60)
    expect(await due(good)).toHaveLength(1)
    await removeSchedule(test.db, { key: good })
    // 30 February never comes.
    await putSchedule(test.db, { key: good, intent: 'a', queue: good, cron: '0 0 30 2 *' })
    await enqueueDueSlots(test.db)
    expect((await listSchedules(test.db, { queue: good }))[0]).toMatchObject({ nextAt: null, isOver: true })
  })

  it('refuse what is wrong', async () => {
    const wrong: [object, RegExp][] = [
      [{}, /give cron or everySeconds, got neither/],
      [{ cron: '* * * * *', everySeconds: 60 }, /got both/],
      [{ cron: 'daily' }, /cron must be an expression of five fields/],
      [{ cron: '* * * * *', timeZone: 'Nowhere/Else' }, /timeZone a name like Europe\/Berlin/],
      [{ everySeconds: 0.5 }, /every_?[sS]econds must be from 1/],
      [{ everySeconds: Number.NaN }, /everySeconds must be a number, got NaN/],
      [{ everySeconds: 60, key: '' }, /schedules_key_check/],
      [{ everySeconds: 60, missed: 'some' }, /missed must be skip, once or all, got some/],
      [{ everySeconds: 60, missedLimit: 0 }, /missed_?[lL]imit/],
      [{ everySeconds: 60, priority: 40_000 }, /priority must be from -32768/],
      [{ everySeconds: 60, inputs: [] }, /schedules_inputs_check/],
      [{ everySeconds: 60, inputs: { text: '\0' } }, /inputs.text has a NUL/],
    ]
    for (const [options, message] of wrong) {
      const put = putSchedule(test.db, { key: 'wrong', intent: 'a', ...options } as never)
      await expect(put, JSON.stringify(options)).rejects.toThrow(message)
      await expect(put).rejects.toThrow(InvalidInputError)
    }
    expect(() => runSchedules(test.db, { pollSeconds: 0 })).toThrow(/pollSeconds must be/)
  })
})

describeOnServer('schedules that many workers run', (test) => {
  it('enqueue each slot exactly once', async () => {
    const queue = uniqueName()
    const connections = await Promise.all(Array.from({ length: 6 }, () => test.connectAgain(2)))
    await putSchedule(test.db, { key: 'each', intent: 'tick', queue, everySeconds: 1, missed: 'all' })
    const slots: string[] = []
    const workers = connections.map(({ db }) =>
      work(
        db,
        { tick: ({ metadata }) => void slots.push(String(metadata.slot)) },
        { queue, schedules: true, pollMilliseconds: 20, maxPollMilliseconds: 50 },
      ),
    )
    // A seventh that is not a worker at all, and another that asks as often as it can.
    const runner = runSchedules(test.db, { pollSeconds: 0.05 })
    let asking = true
    const asked = (async () => {
      while (asking) await enqueueDueSlots(test.db)
    })()
    await expect.poll(() => slots.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(5)
    asking = false
    await asked
    await runner.stop()
    await Promise.all(workers.map((worker) => worker.stop()))
    await removeSchedule(test.db, { key: 'each' })
    const jobs = (await listJobs(test.db, { queue, limit: 1000 })).items
    expect(new Set(slots).size).toBe(slots.length)
    expect(jobs.map(({ metadata }) => metadata.slot).sort()).toEqual([...slots].sort())
    const times = slots.map((slot) => Date.parse(slot)).sort((one, other) => one - other)
    expect(times).toEqual(times.map((_, at) => (times[0] ?? 0) + at * 1000))
    expect(await claim(test.db, { queue, workerId: 'nobody' })).toEqual([])
    expect(await read(test.db, jobs[0]?.id ?? '')).toMatchObject({ status: 'completed' })
  })
})
