import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  addUsage,
  approve,
  cancel,
  claim,
  complete,
  completeMany,
  enqueue,
  enqueueMany,
  fail,
  getJob,
  heartbeat,
  jobAttempts,
  jobTree,
  listJobs,
  prune,
  queueStats,
  reject,
  release,
  reportProgress,
  resume,
  retry,
  snooze,
  stuckJobs,
  waitFor,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { read } from './fixtures.ts'

const hostile = [
  `'; DROP TABLE jobs; --`,
  `"; DROP TABLE jobs; --`,
  `$$; DROP TABLE jobs; $$`,
  `\\'; DROP TABLE jobs; --`,
  `{"a"}','x'); DELETE FROM jobs; --`,
  `%s %I \${1} $1 ?`,
  `a","b`,
  `}{,NULL`,
]

describeOnEachBackend('text that looks like SQL', (test) => {
  it.each(hostile)('is only text: %s', async (text) => {
    const { id } = await enqueue(test.db, {
      intent: text,
      queue: text,
      id: text,
      idempotencyKey: text,
      singletonKey: text,
      traceId: text,
      callbackUrl: text,
      inputs: { [text]: text },
      metadata: { [text]: text },
    })
    expect(await read(test.db, id)).toMatchObject({
      id: text,
      intent: text,
      queue: text,
      inputs: { [text]: text },
    })
    await enqueueMany(test.db, { jobs: [{ intent: text, queue: `${text}2`, id: `${text}2` }] })
    const [job] = await claim(test.db, { queue: text, workerId: text })
    const lease = { id: text, leaseToken: job?.leaseToken ?? 0 }
    expect(await heartbeat(test.db, { leases: [lease] })).toMatchObject([{ id: text, state: 'held' }])
    expect(await reportProgress(test.db, { ...lease, message: text })).toBe('ok')
    expect(await addUsage(test.db, { ...lease, model: text, cost: 1 })).toBe('ok')
    const { waitId } = await waitFor(test.db, {
      ...lease,
      reason: 'approval',
      requiredAction: { [text]: text },
    })
    expect(await approve(test.db, { id: text, waitId: text })).toBe('not_waiting')
    expect(await approve(test.db, { id: text, waitId: waitId ?? '', by: text, comment: text })).toBe('ok')
    const [second] = await claim(test.db, { queue: text, workerId: text })
    expect(
      await fail(test.db, {
        id: text,
        leaseToken: second?.leaseToken ?? 0,
        error: { code: text, message: text, detail: text },
        retryable: false,
      }),
    ).toBe('ok')
    expect(await read(test.db, id)).toMatchObject({
      progressMessage: text,
      workerId: text,
      error: { code: text, message: text },
    })
    expect(
      await listJobs(test.db, {
        queue: text,
        intent: text,
        workerId: text,
        traceId: text,
        after: `${text}2`,
      }),
    ).toMatchObject({ items: [{ id: text }] })
    await getJob(test.db, { id: text })
    expect(await jobTree(test.db, { id: text })).toHaveLength(1)
    expect(await jobAttempts(test.db, { id: text })).toHaveLength(2)
    expect(await queueStats(test.db, { queue: text })).toHaveLength(1)
    await stuckJobs(test.db, { queue: text })
    expect(await retry(test.db, { id: text })).toBe('ok')
    const [third] = await claim(test.db, { queue: text, workerId: text, intents: [text] })
    const done = { id: text, leaseToken: third?.leaseToken ?? 0, result: text }
    expect(await completeMany(test.db, { jobs: [done] })).toEqual([{ id: text, outcome: 'ok' }])
    expect((await read(test.db, id)).result).toBe(text)
    for (const answer of [
      cancel(test.db, { id: text, cascade: true }),
      complete(test.db, lease),
      release(test.db, lease),
      snooze(test.db, { ...lease, delaySeconds: 1 }),
      resume(test.db, { id: text, waitId: text, response: text }),
      reject(test.db, { id: text, waitId: waitId ?? '' }),
    ]) {
      expect(await answer).toMatch(/stale_lease|wrong_status|not_waiting/)
    }
    await expect(prune(test.db, { olderThan: text })).rejects.toThrow('interval')
    await expect(queryRows(test.db, sql`SELECT count(*) FROM jobs`)).resolves.toBeDefined()
  })
})
