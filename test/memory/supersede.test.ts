import { eq, sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  ConflictError,
  countMemories,
  forget,
  getMemory,
  hybridSearch,
  InvalidInputError,
  listMemories,
  memoryHistory,
  NotFoundError,
  pruneMemoryHistory,
  remember,
  type SearchFilter,
  schema,
  setMemoryHistory,
  supersede,
  vectorSearch,
  withActor,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

const { memoryItems } = schema

describeOnEachBackend('supersede', (test) => {
  beforeEach(() => clearMemories(test.db))

  async function found(filter: SearchFilter = {}): Promise<string[]> {
    const queryEmbedding = embedding(1)
    const lists = [
      await bm25Search(test.db, { queryText: 'lives', filter }),
      await vectorSearch(test.db, { queryEmbedding, filter }),
      await hybridSearch(test.db, { queryText: 'lives', queryEmbedding, filter }),
      (await listMemories(test.db, { filter })).items,
    ].map((rows) => idsOf(rows).sort())
    for (const list of lists) expect(list).toEqual(lists[0])
    return lists[0] as string[]
  }
  const lives = (id: string, city: string, more = {}) => ({
    id,
    text: `Ana lives in ${city}`,
    embedding: embedding(city.length),
    ...more,
  })

  it('takes the old memory out of every search, which knows what replaced it', async () => {
    await remember(test.db, lives('paris', 'Paris'))
    await remember(test.db, lives('oslo', 'Oslo'))
    expect(await supersede(test.db, { id: 'paris', by: 'oslo' })).toEqual({
      id: 'paris',
      by: 'oslo',
      created: false,
    })
    expect(await found()).toEqual(['oslo'])
    const paris = await getMemory(test.db, { id: 'paris' })
    expect(paris).toMatchObject({ supersededBy: 'oslo', text: 'Ana lives in Paris' })
    expect(paris?.supersededAt).toBeInstanceOf(Date)
    expect(paris?.validTo).toEqual(paris?.supersededAt)
    expect((await listMemories(test.db, { includeSuperseded: true })).items).toHaveLength(2)
    expect(await supersede(test.db, { id: 'paris', by: 'oslo' })).toMatchObject({ by: 'oslo' })
    expect(await getMemory(test.db, { id: 'paris' })).toEqual(paris)
    expect(await memoryHistory(test.db, { id: 'oslo' })).toMatchObject({ supersedes: ['paris'] })
    expect(await memoryHistory(test.db, { id: 'paris' })).toMatchObject({ supersededBy: 'oslo' })
  })

  it('takes a new text in the place of the old, in its namespace, and back again', async () => {
    const { id } = await remember(test.db, { text: 'Ana lives in Paris', namespace: 'ana' })
    const oslo = await supersede(test.db, { id, text: 'Ana lives in Oslo', tags: ['home'] })
    expect(oslo).toMatchObject({ id, created: true })
    expect(await getMemory(test.db, { id: oslo.by })).toMatchObject({ namespace: 'ana', tags: ['home'] })
    // The superseded memory has the text, but it is not so any more: this is another one.
    const back = await supersede(test.db, { id: oslo.by, text: 'Ana lives in Paris' })
    expect(back).toEqual({ id: oslo.by, by: `${id}-2`, created: true })
    expect(await remember(test.db, { text: 'Ana lives in Paris', namespace: 'ana' })).toEqual({
      id: back.by,
      created: false,
    })
    expect(idsOf(await bm25Search(test.db, { queryText: 'Paris Oslo' }))).toEqual([back.by])
    const same = await supersede(test.db, {
      id: back.by,
      text: 'Ana lives in Paris',
      metadata: { sure: true },
    })
    expect(same).toMatchObject({ id: back.by, created: true })
    expect(await countMemories(test.db, { namespace: 'ana' })).toBe(1)
    expect(await countMemories(test.db, { namespace: 'ana', filter: { superseded: true } })).toBe(4)
  })

  it('answers for what was known, and for what was true, at a time', async () => {
    const at = (year: number) => new Date(Date.UTC(year, 0, 1))
    await remember(test.db, lives('paris', 'Paris', { createdAt: at(2020), validFrom: at(2010) }))
    await remember(test.db, lives('oslo', 'Oslo', { createdAt: at(2024), validFrom: at(2022) }))
    await remember(test.db, lives('always', 'Norway', { createdAt: at(2021) }))
    await supersede(test.db, { id: 'paris', by: 'oslo' })
    await test.db
      .update(memoryItems)
      .set({ supersededAt: at(2024) })
      .where(eq(memoryItems.id, 'paris'))
    expect(await found()).toEqual(['always', 'oslo'])
    expect(await found({ asOf: at(2019) })).toEqual([])
    expect(await found({ asOf: at(2020) })).toEqual(['paris'])
    expect(await found({ asOf: at(2023).toISOString() })).toEqual(['always', 'paris'])
    expect(await found({ asOf: at(2024) })).toEqual(['always', 'oslo'])
    expect(await found({ asOf: { known: at(2023) } })).toEqual(['always', 'paris'])
    expect(await found({ asOf: { valid: at(2005) } })).toEqual(['always'])
    expect(await found({ asOf: { valid: at(2015) } })).toEqual(['always', 'paris'])
    expect(await found({ asOf: { valid: at(2022) } })).toEqual(['always', 'oslo'])
    // In 2023 nobody knew that she had moved in 2022.
    expect(await found({ asOf: { known: at(2023), valid: at(2022) } })).toEqual(['always', 'paris'])
    expect(await found({ asOf: { known: at(2025), valid: at(2015) } })).toEqual(['always', 'paris'])
    expect(await found({ asOf: { known: at(2025), valid: at(2023) } })).toEqual(['always', 'oslo'])
    for (const asOf of ['yesterday', {}, { soon: at(2020) }, { known: 'now' }, 5, []]) {
      await expectRefusal(found({ asOf } as SearchFilter), InvalidInputError, /filter\.as_?of/i)
    }
  })

  it('refuses what cannot be', async () => {
    await remember(test.db, lives('a', 'Paris'))
    await remember(test.db, lives('b', 'Oslo'))
    await remember(test.db, lives('c', 'Rome', { namespace: 'other' }))
    await expectRefusal(supersede(test.db, { id: 'none', by: 'a' }), NotFoundError, 'no memory "none"')
    await expectRefusal(supersede(test.db, { id: 'none', text: 'x' }), NotFoundError, 'no memory "none"')
    await expectRefusal(supersede(test.db, { id: 'a', by: 'none' }), NotFoundError, 'no memory "none"')
    await expectRefusal(supersede(test.db, { id: 'a', by: 'c' }), NotFoundError, 'in the namespace "default"')
    await expectRefusal(supersede(test.db, { id: 'a', by: 'a' }), ConflictError, 'cannot supersede itself')
    await supersede(test.db, { id: 'a', by: 'b' })
    await expectRefusal(supersede(test.db, { id: 'b', by: 'a' }), ConflictError, 'is itself superseded')
    await expectRefusal(
      supersede(test.db, { id: 'a', text: 'x' }),
      ConflictError,
      'superseded already, by "b"',
    )
    await expectRefusal(supersede(test.db, { id: 'b' } as never), InvalidInputError, 'by or text')
    await expectRefusal(
      supersede(test.db, { id: 'b', by: 'a', text: 'x' } as never),
      InvalidInputError,
      '"text"',
    )
  })
})

describeOnEachBackend('memoryHistory', (test) => {
  beforeEach(() => clearMemories(test.db))

  it('has what a memory said before each change, who changed it, and when', async () => {
    const { id } = await remember(test.db, { text: 'first', tags: ['a'], metadata: { n: 1 } })
    await test.db.update(memoryItems).set({ text: 'second' }).where(eq(memoryItems.id, id))
    await withActor(test.db, 'ana@example.com', (db) =>
      db
        .update(memoryItems)
        .set({ tags: ['b'], importance: 0.7 })
        .where(eq(memoryItems.id, id)),
    )
    await test.db.execute(sql`UPDATE memory_items SET metadata = '{"n": 2}', text = 'third'`)
    await test.db.execute(sql`UPDATE memory_items SET speaker_id = 'not kept', text = text`)
    const history = await memoryHistory(test.db, { id })
    const role = (await queryRows(test.db, sql`SELECT current_user::text AS role`))[0]?.role
    expect(history?.versions).toMatchObject([
      { text: 'first', tags: ['a'], metadata: { n: 1 }, importance: 0.5, changedBy: role, actor: null },
      { text: 'second', tags: ['a'], metadata: { n: 1 }, importance: 0.5, actor: 'ana@example.com' },
      { text: 'second', tags: ['b'], metadata: { n: 1 }, changedBy: role, actor: null },
      { text: 'third', tags: ['b'], metadata: { n: 2 }, until: null, changedBy: null, actor: null },
    ])
    expect(history?.versions[2]?.importance).toBeCloseTo(0.7, 6)
    const times = history?.versions.flatMap(({ since, until }) => [since, until ?? new Date(8.64e15)]) ?? []
    expect(times).toEqual([...times].sort((one, other) => Number(one) - Number(other)))
    expect(await memoryHistory(test.db, { id, namespace: 'other' })).toBeNull()
  })

  it('goes with its memory, to another id, or away', async () => {
    await remember(test.db, { id: 'x', text: 'secret one' })
    await remember(test.db, { id: 'x', text: 'two' })
    await test.db.execute(sql`UPDATE memory_items SET id = 'y', namespace = 'ana'`)
    expect((await memoryHistory(test.db, { id: 'y' }))?.versions.map(({ text }) => text)).toEqual([
      'secret one',
      'two',
    ])
    await forget(test.db, { ids: ['y'] })
    expect(await queryRows(test.db, sql`SELECT FROM memory_history`)).toEqual([])
    await remember(test.db, { id: 'x', text: 'one' })
    await remember(test.db, { id: 'x', text: 'two' })
    await test.db.execute(sql`TRUNCATE memory_items`)
    expect(await queryRows(test.db, sql`SELECT FROM memory_history`)).toEqual([])
  })

  it('can be pruned, turned off and on', async () => {
    const write = (text: string) => remember(test.db, { id: 'x', text })
    const kept = async () => (await queryRows(test.db, sql`SELECT FROM memory_history`)).length
    await write('one')
    await write('two')
    await setMemoryHistory(test.db, { isOn: false })
    await write('three')
    expect(await kept()).toBe(1)
    await setMemoryHistory(test.db, { isOn: true })
    await write('four')
    expect(await kept()).toBe(2)
    expect(await pruneMemoryHistory(test.db, { before: '2000-01-01T00:00:00Z' })).toBe(0)
    expect(await pruneMemoryHistory(test.db, { before: '2999-01-01T00:00:00Z', namespace: 'other' })).toBe(0)
    expect(await pruneMemoryHistory(test.db, { before: '2999-01-01T00:00:00Z', batchSize: 1 })).toBe(2)
    expect(await kept()).toBe(0)
  })
})
