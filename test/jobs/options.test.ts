import { expect, it } from 'vitest'
import {
  approve,
  cancel,
  cancelJobs,
  changeJob,
  claim,
  completeAndClaim,
  countJobs,
  type Database,
  enqueue,
  enqueueMany,
  getJob,
  InvalidInputError,
  latencyStats,
  listJobs,
  listSchedules,
  prune,
  queueStats,
  reject,
  resume,
  retry,
  retryJobs,
  runSchedules,
  setJobLimit,
  stuckJobs,
  takeBackExpired,
  usageStats,
  waitFor,
  waitForJob,
  watchJob,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'

type Call = (db: Database, options: object) => Promise<unknown>

/** Each with what it needs, so that only what is added can be wrong. */
const calls: Record<string, { call: unknown; needs?: object; narrows: string }> = {
  listJobs: { call: listJobs, narrows: 'queue' },
  countJobs: { call: countJobs, needs: { filter: {} }, narrows: 'filter' },
  cancelJobs: { call: cancelJobs, needs: { filter: {} }, narrows: 'limit' },
  retryJobs: { call: retryJobs, needs: { filter: {} }, narrows: 'runAt' },
  prune: { call: prune, needs: { olderThan: 1 }, narrows: 'queue' },
  queueStats: { call: queueStats, narrows: 'queue' },
  latencyStats: { call: latencyStats, narrows: 'queue' },
  usageStats: { call: usageStats, narrows: 'queue' },
  stuckJobs: { call: stuckJobs, narrows: 'queue' },
  takeBackExpired: { call: takeBackExpired, narrows: 'queue' },
  listSchedules: { call: listSchedules, narrows: 'queue' },
  claim: { call: claim, needs: { workerId: 'w' }, narrows: 'intents' },
  setJobLimit: { call: setJobLimit, needs: { key: '*', maxRunning: 1 }, narrows: 'queue' },
  waitForJob: { call: waitForJob, needs: { id: 'x' }, narrows: 'timeout' },
  watchJob: {
    call: async (db: Database, options: Parameters<typeof watchJob>[1]) => watchJob(db, options).next(),
    needs: { id: 'x' },
    narrows: 'after',
  },
}

describeOnEachBackend('options of the job helpers', (test) => {
  it.each(Object.entries(calls))('%s refuses what would widen it', async (_, { call, needs, narrows }) => {
    await enqueue(test.db, { intent: 'a', queue: 'ours' })
    const made = (options: object) => (call as Call)(test.db, { ...needs, ...options })
    await expectRefusal(made({ [narrows]: undefined }), InvalidInputError, `${narrows} must not be undefined`)
    await expectRefusal(made({ quue: 'ours' }), InvalidInputError, 'options has the key "quue"', narrows)
    await expectRefusal((call as Call)(test.db, []), InvalidInputError, 'options must be an object')
    expect(await countJobs(test.db, { filter: { queue: 'ours', statuses: ['pending'] } })).not.toEqual({})
  })

  it('completeAndClaim takes a whole job for the lease, and no undefined for what it claims', async () => {
    const lease = { id: 'x', leaseToken: 1, workerId: 'w', status: 'running' }
    const made = completeAndClaim(test.db, { ...lease, modes: undefined } as unknown as typeof lease)
    await expectRefusal(made, InvalidInputError, 'modes must not be undefined')
    expect((await completeAndClaim(test.db, lease)).outcome).toBe('not_found')
  })

  it('a misspelt key of a new job is refused, and undefined is the default', async () => {
    const given = { intent: 'a', idempotencykey: 'once' } as { intent: string }
    await expectRefusal(enqueue(test.db, given), InvalidInputError, 'options has the key "idempotencykey"')
    await expectRefusal(enqueueMany(test.db, { jobs: [given] }), InvalidInputError, 'idempotencykey')
    const { id } = await enqueue(test.db, { intent: 'a', queue: undefined } as unknown as { intent: string })
    await expectRefusal(
      changeJob(test.db, { id, priorty: 1 } as { id: string }),
      InvalidInputError,
      'options has the key "priorty"',
    )
  })

  it.each(Object.entries({ retry, cancel, approve, reject, resume, waitFor }))(
    '%s refuses a misspelt option before anything happens',
    async (_, call) => {
      const { id, waitId } = await enqueue(test.db, { intent: 'a', waitReason: 'approval' })
      const made = (call as Call)(test.db, { coment: 'no', id, waitId })
      await expectRefusal(made, InvalidInputError, 'options has the key "coment"')
      expect((await getJob(test.db, { id }))?.status).toBe('waiting')
    },
  )

  it('runSchedules refuses a misspelt option at once', () => {
    expect(() => runSchedules(test.db, { pollSecond: 1 } as object)).toThrow(
      'options has the key "pollSecond"',
    )
  })
})
