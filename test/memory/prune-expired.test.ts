import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { listMemories, rememberMany } from '../../src/index.ts'
import { pruneExpired } from '../../src/memory/prune-expired.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'

const day = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * day)
const expired = (count: number, days: number, namespace = 'default') =>
  Array.from({ length: count }, (_, at) => ({
    text: `${days} days, ${at}`,
    expiresAt: daysAgo(days),
    namespace,
  }))

describeOnEachBackend('pruneExpired', (test) => {
  beforeEach(() => test.db.execute(sql`TRUNCATE memory_items`))
  const left = async () =>
    (await listMemories(test.db, { includeExpired: true })).items.map(({ text }) => text).sort()

  it('deletes what has expired, in batches, and nothing else', async () => {
    await rememberMany(test.db, {
      items: [...expired(25, 1), { text: 'stays' }, { text: 'later', expiresAt: daysAgo(-1) }],
    })
    const progress: number[] = []
    expect(
      await pruneExpired(test.db, { batchSize: 10, onProgress: (deleted) => progress.push(deleted) }),
    ).toBe(25)
    expect(progress).toEqual([10, 20, 25])
    expect(await left()).toEqual(['later', 'stays'])
    expect(await pruneExpired(test.db)).toBe(0)
  })

  it('spares what expired lately, what has not, and other namespaces', async () => {
    await rememberMany(test.db, { items: [...expired(2, 10), ...expired(2, 1), ...expired(1, 10, 'other')] })
    expect(await pruneExpired(test.db, { before: daysAgo(7), namespace: 'default' })).toBe(2)
    expect(await left()).toEqual(['1 days, 0', '1 days, 1', '10 days, 0'])
    await rememberMany(test.db, { items: [{ text: 'tomorrow', expiresAt: daysAgo(-1) }] })
    expect(await pruneExpired(test.db, { before: daysAgo(-30).toISOString() })).toBe(3)
    expect(await left()).toEqual(['tomorrow'])
  })

  it('ends after the batch in which the signal is given', async () => {
    await rememberMany(test.db, { items: expired(6, 1) })
    const stop = new AbortController()
    const options = { batchSize: 2, onProgress: () => stop.abort(), signal: stop.signal }
    expect(await pruneExpired(test.db, options)).toBe(2)
    expect(await left()).toHaveLength(4)
  })

  it('refuses what it cannot do', async () => {
    const wrongs = [
      { batchSize: 0 },
      { batchSize: 10_001 },
      { before: 'yesterday' },
      { before: new Date(Number.NaN) },
    ]
    for (const wrong of wrongs) {
      await expect(pruneExpired(test.db, wrong)).rejects.toMatchObject({ code: 'invalid_input' })
    }
  })
})

describeOnServer('pruneExpired in several processes', (server) => {
  it('shares the work, and passes over a row that is being written', async () => {
    await rememberMany(server.db, {
      items: [...expired(500, 1), { id: 'held', text: 'held', expiresAt: daysAgo(1) }],
    })
    const other = await server.connectAgain(1)
    await other.db.transaction(async (transaction) => {
      await transaction.execute(sql`SELECT 1 FROM memory_items WHERE id = 'held' FOR UPDATE`)
      const runs = await Promise.all([1, 2, 3].map(() => pruneExpired(server.db, { batchSize: 20 })))
      const remaining = await pruneExpired(server.db)
      expect(runs.reduce((sum, deleted) => sum + deleted, remaining)).toBe(500)
    })
    expect(await pruneExpired(server.db)).toBe(1)
  })
})
