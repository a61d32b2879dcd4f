import { inspect } from 'node:util'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { callerNames } from '../../src/database/caller-names.ts'
import { builtRows } from '../../src/database/rows.ts'
import {
  ConflictError,
  claim,
  connect,
  DatabaseError,
  enqueue,
  enqueueMany,
  getMemory,
  InvalidInputError,
  listMemories,
  OpaError,
  queueStats,
  remember,
  rememberMany,
  reportProgress,
  schema,
  work,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'

const secret = 'the secret of Ana '.repeat(300)

/** One error of ours, the driver's below it and nothing else, and not much when a log prints all of it. */
function expectShort(error: OpaError): void {
  expect(error.cause).toBeInstanceOf(Error)
  const cause = error.cause as Error & { query?: unknown }
  expect(cause).not.toBeInstanceOf(OpaError)
  expect(cause.cause).toBeUndefined()
  for (const text of [error.message, inspect(error), JSON.stringify(error)]) {
    expect(text).not.toMatch(/secret|INSERT|SELECT|params/)
  }
  expect(error.message.length).toBeLessThan(500)
}

describeOnEachBackend('errors', (test) => {
  it('have one cause, and neither statements nor contents of rows in what is logged', async () => {
    const { db } = test
    const write = (row: Partial<typeof schema.memoryItems.$inferInsert>) =>
      builtRows(() =>
        db
          .insert(schema.memoryItems)
          .values({ id: secret.slice(0, 500), text: secret, ...row })
          .returning(),
      )
    expectShort(
      await expectRefusal(write({ importance: 7 }), InvalidInputError, 'memory_items_importance_check'),
    )
    await write({ text: 'x' })
    expectShort(await expectRefusal(write({}), ConflictError, 'memory_items_pkey'))
    const job = { intent: 'x', metadata: { secret }, id: 'a', priority: 40_000 }
    expectShort(await expectRefusal(enqueue(db, job), InvalidInputError, 'enqueue: priority must be'))
    const items = [{ text: secret }, { text: `${secret}2`, embedding: Array(384).fill(1e300) }]
    await expectRefusal(rememberMany(db, { items }), InvalidInputError)
    // Nested: a transaction of ours, a statement in it, the driver.
    const inside = db.transaction((transaction) => enqueue(transaction, job))
    expectShort(await expectRefusal(inside, InvalidInputError))
    const expiresAt = '2026-02-30T10:00:00Z'
    expectShort(
      await expectRefusal(remember(db, { text: secret, expiresAt }), InvalidInputError, '2026-02-30'),
    )
  })

  it('have the names of the options that the caller gave', async () => {
    const { db } = test
    await expectRefusal(
      claim(db, { workerId: 'w', limit: 0 }),
      InvalidInputError,
      'claim: limit must be from 1 to 10000, got 0',
    )
    await expectRefusal(claim(db, { workerId: '' }), InvalidInputError, 'claim: workerId must be text')
    await expectRefusal(
      claim(db, { workerId: 'w', leaseSeconds: -1 }),
      InvalidInputError,
      'leaseSeconds must be',
    )
    const parentId = 'no_such_job'
    await expectRefusal(
      enqueue(db, { intent: 'x', parentId }),
      InvalidInputError,
      'parentId must be',
      'got no_such_job',
    )
    const jobs = [{ intent: 'x' }, { intent: 'y', parentId }]
    await expectRefusal(
      enqueueMany(db, { jobs }),
      InvalidInputError,
      'enqueueMany: element 1',
      'parentId must',
      parentId,
    )
    const filter = { speakerId: 5 as never }
    await expectRefusal(
      listOf({ filter }),
      InvalidInputError,
      'filter.speakerId must be a string, got number 5',
    )
    const settling = reportProgress(db, { id: 'a', leaseToken: 1, progress: 2 })
    await expectRefusal(settling, InvalidInputError, 'reportProgress: progress must be from 0 to 1')
    async function listOf({ filter }: { filter: { speakerId: never } }) {
      const { bm25Search } = await import('../../src/index.ts')
      return bm25Search(db, { queryText: 'x', filter })
    }
  })
})

describe('callerNames', () => {
  it.each([
    ['claim: max_jobs must be from 1 to 10000, got 0', 'claim: limit must be from 1 to 10000, got 0'],
    ['enqueue_many: jobs must be an array, got a_b', 'enqueueMany: jobs must be an array, got a_b'],
    [
      'job my_max_jobs: max_attempts must be at least 1, got 0',
      'job my_max_jobs: maxAttempts must be at least 1, got 0',
    ],
    ['job a_b: it is done: nothing changes', 'job a_b: it is done: nothing changes'],
    ['filter has the key "my_key", expected only: x', 'filter has the key "my_key", expected only: x'],
  ])('%s', (said, expected) => expect(callerNames(said)).toBe(expected))
})

describe('a database that is not migrated', () => {
  it('is named as the cause by every helper, and by a worker', async () => {
    const { db, close } = await connect({ kind: 'embedded', dataDir: 'memory://' })
    for (const attempt of [
      remember(db, { text: 'x' }),
      getMemory(db, { id: 'x' }),
      listMemories(db),
      enqueue(db, { intent: 'x' }),
      claim(db, { workerId: 'w' }),
      queueStats(db),
    ]) {
      const error = await expectRefusal(attempt, DatabaseError, 'not migrated', 'call migrate(db) first')
      expectShort(error)
    }
    const told = new Promise<unknown>((resolve) => {
      const worker = work(
        db,
        { any: async () => {} },
        { onError: (error) => void worker.stop().then(() => resolve(error)) },
      )
    })
    expect(String(await told)).toContain('migrate')
    // What the caller's own statement lacks is the caller's to mend.
    await expect(db.execute(sql`SELECT 1 FROM nowhere`)).rejects.not.toBeInstanceOf(OpaError)
    await close()
  })
})
