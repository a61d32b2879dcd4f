import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  enqueue,
  type Handler,
  listSchedules,
  pauseSchedule,
  putSchedule,
  setJobEvents,
  waitForJob,
  watchJob,
  work,
} from '../../../src/index.ts'
import { describeOnServer } from '../../support/backends.ts'
import { actingAs, dropRoles, roleName } from '../../support/roles.ts'
import { uniqueName } from '../fixtures.ts'

describeOnServer('a worker with the rights of grant_worker', (test) => {
  const role = roleName('worker')
  const act = actingAs(test)
  beforeAll(async () => {
    await test.db.execute(sql.raw(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`))
    await test.db.execute(sql`SELECT grant_worker(${role}::text)`)
    await setJobEvents(test.db, { isOn: true })
  })
  afterAll(() => dropRoles(test.db, [role]))

  it('runs jobs and schedules, and adds output and checkpoints, and no more', async () => {
    const queue = uniqueName()
    await putSchedule(test.db, { key: 'tick', intent: 'tick', queue, everySeconds: 1 })
    const { id } = await enqueue(test.db, { intent: 'write', queue })
    const errors: unknown[] = []
    await act(role, async (db) => {
      let ticks = 0
      const handlers: Record<string, Handler> = {
        tick: () => (ticks += 1),
        write: async (_, context) => {
          await context.saveCheckpoint({ page: 1 })
          await context.addOutput('words')
          return context.getCheckpoint()
        },
      }
      const onError = (error: unknown) => errors.push(error)
      const worker = work(db, handlers, { queue, schedules: true, pollMilliseconds: 20, onError })
      expect(await waitForJob(db, { id, timeout: 20 })).toMatchObject({ result: { page: 1 } })
      const kinds: string[] = []
      for await (const { kind } of watchJob(db, { id })) kinds.push(kind)
      expect(kinds).toEqual(['status', 'status', 'output', 'status'])
      await expect.poll(() => ticks, { timeout: 20_000 }).toBeGreaterThan(0)
      await worker.stop()
      expect(await listSchedules(db)).toHaveLength(1)
      await expect(pauseSchedule(db, { key: 'tick' })).rejects.toThrow(/permission denied/)
      await expect(setJobEvents(db, { isOn: false })).rejects.toThrow(/permission denied/)
      await expect(db.execute(sql`DELETE FROM job_events`)).rejects.toThrow()
    })
    expect(errors).toEqual([])
  })
})
