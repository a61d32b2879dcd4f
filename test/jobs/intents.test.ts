import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { claim, type Database, enqueueMany } from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { uniqueName } from './fixtures.ts'

const workerId = 'w'

describeOnEachBackend('a claim of some intents', (test) => {
  it('takes those and no others, in their order', async () => {
    const queue = uniqueName()
    await enqueueMany(test.db, {
      jobs: ['new', 'old', 'new', 'odd "quoted", {braced}', 'old'].map((intent, n) => ({
        intent,
        queue,
        priority: n,
      })),
    })
    const claimed = async (intents: string[] | undefined, limit = 9) =>
      (await claim(test.db, { queue, workerId, limit, ...(intents && { intents }) })).map(
        ({ priority }) => priority,
      )
    expect(await claimed(['unknown'])).toEqual([])
    expect(await claimed([])).toEqual([])
    expect(await claimed(['old'], 1)).toEqual([4])
    expect(await claimed(['odd "quoted", {braced}'])).toEqual([3])
    expect(await claimed(['old', 'unknown'])).toEqual([1])
    expect(await claimed(undefined)).toEqual([2, 0])
  })

  it('finds them behind many others, however they differ', async () => {
    const queue = uniqueName()
    await test.db.execute(sql`
      INSERT INTO jobs (id, queue, intent, mode, priority)
      SELECT ${queue} || n, ${queue}, 'other', 'flow', 2 FROM generate_series(1, 3000) AS n`)
    const jobs = Array.from({ length: 150 }, (_, n) => ({
      intent: n % 2 ? 'odd' : 'even',
      queue,
      mode: n % 3 ? ('mcp' as const) : ('agent' as const),
      inputs: { n },
      priority: n < 100 ? 2 : 1,
    }))
    await enqueueMany(test.db, { jobs })
    const claimed = async (what: object, limit: number) =>
      (await claim(test.db, { queue, workerId, limit, ...what })).map(({ inputs }) => inputs.n as number)
    expect(await claimed({ intents: ['odd', 'even'] }, 7)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(await claimed({ modes: ['agent'] }, 3)).toEqual([9, 12, 15])
    expect(await claimed({ intents: ['odd'], modes: ['mcp'] }, 4)).toEqual([7, 11, 13, 17])
    const rest = await claimed({ intents: ['odd', 'even'] }, 1000)
    expect(rest).toHaveLength(150 - 14)
    expect(rest.filter((n) => n < 100)).toEqual([...rest.filter((n) => n < 100)].sort((a, b) => a - b))
    expect(rest.findIndex((n) => n >= 100)).toBe(rest.filter((n) => n < 100).length)
  })
})

describeOnServer('a claim of some intents or modes', (test) => {
  async function pages(db: Database, call: string): Promise<number> {
    const [row] = await queryRows(
      db,
      sql.raw(`EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM ${call}`),
    )
    const plan = row?.['QUERY PLAN']
    const [{ Plan }] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as [
      { Plan: Record<string, number> },
    ]
    return (Plan['Shared Hit Blocks'] ?? 0) + (Plan['Shared Read Blocks'] ?? 0)
  }

  it('costs little beside a hundred thousand jobs of others', { timeout: 120_000 }, async () => {
    const { db } = await test.connectAgain(1)
    const queue = uniqueName()
    await db.execute(sql`
      INSERT INTO jobs (queue, intent, mode, priority)
      SELECT ${queue}, 'other', 'flow', n % 2 FROM generate_series(1, 100000) AS n`)
    await db.execute(sql`VACUUM ANALYZE jobs`)
    await enqueueMany(db, {
      jobs: Array.from({ length: 60 }, () => ({ intent: 'mine', queue, mode: 'mcp' as const })),
    })
    for (const argument of [
      `intents => '{mine,also}'`,
      `modes => '{mcp}'`,
      `intents => '{mine}', modes => '{mcp}'`,
    ]) {
      const read: number[] = []
      for (let n = 0; n < 15; n += 1) read.push(await pages(db, `claim('${queue}', 'w', ${argument})`))
      read.sort((a, b) => a - b)
      // Two priorities, a hundred entries of each that are not it, and their rows.
      expect(read[7], argument).toBeLessThan(1500)
    }
    // And in a queue of nothing else, no more than a claim of any.
    const own = uniqueName()
    await enqueueMany(db, { jobs: Array.from({ length: 60 }, () => ({ intent: 'mine', queue: own })) })
    const any: number[] = []
    const some: number[] = []
    for (let n = 0; n < 15; n += 1) {
      any.push(await pages(db, `claim('${own}', 'w')`))
      some.push(await pages(db, `claim('${own}', 'w', intents => '{mine}')`))
    }
    const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[7] ?? 0
    expect(median(some)).toBeLessThan(median(any) + 10)
  })
})
