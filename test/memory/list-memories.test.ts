import { sql } from 'drizzle-orm'
import { beforeAll, expect, it } from 'vitest'
import { InvalidInputError, type ListMemoriesOptions, listMemories, rememberMany } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal, idsOf } from '../support/fixtures.ts'

const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describeOnEachBackend('listMemories', (test) => {
  beforeAll(async () => {
    await rememberMany(test.db, {
      items: Array.from({ length: 30 }, (_, at) => ({
        id: `m${String(at).padStart(2, '0')}`,
        text: 'text',
        namespace: at % 3 ? 'ana' : 'bob',
        tags: [at % 2 ? 'odd' : 'even'],
        speakerId: at % 5 ? null : 's1',
        // Ten rows share each millisecond, five of them each microsecond.
        createdAt: `2024-01-01T00:00:00.00${Math.floor(at / 10)}00${Math.floor(at / 5) % 2}Z`,
        expiresAt: at === 7 ? '2024-02-01T00:00:00Z' : null,
      })),
    })
  })

  const walk = async (options: ListMemoriesOptions): Promise<string[][]> => {
    const pages: string[][] = []
    for (let after: string | undefined; ; ) {
      const page = await listMemories(test.db, { ...options, ...(after !== undefined && { after }) })
      pages.push(idsOf(page.items))
      if (page.next === null) return pages
      after = page.next
    }
  }

  it('gives the newest first, expired ones only when asked', async () => {
    const { items, next } = await listMemories(test.db)
    expect(items).toHaveLength(29)
    expect(next).toBeNull()
    expect(items[0]?.id).toBe('m29')
    expect(items[0]).not.toHaveProperty('moment')
    expect(items[0]?.createdAt).toBeInstanceOf(Date)
    expect(idsOf((await listMemories(test.db, { includeExpired: true })).items)).toContain('m07')
  })

  it.each([1, 3, 7, 10, 29, 30])(
    'walks pages of %d through equal times and microseconds, each row once',
    async (limit) => {
      const all = idsOf((await listMemories(test.db)).items)
      const pages = await walk({ limit })
      expect(pages.flat()).toEqual(all)
      expect(pages.every((page) => page.length <= limit && page.length > 0)).toBe(true)
    },
  )

  it('filters by namespace, speaker and tags, on every page', async () => {
    const ana = (await walk({ limit: 4, namespace: 'ana' })).flat()
    expect(ana).toHaveLength(19)
    expect((await walk({ limit: 2, speakerId: 's1' })).flat()).toHaveLength(6)
    expect((await walk({ limit: 4, tags: ['odd'] })).flat()).toHaveLength(14)
    expect((await walk({ limit: 4, tags: ['odd', 'even'] })).flat()).toHaveLength(29)
    expect((await walk({ tags: [] })).flat()).toHaveLength(29)
    expect((await walk({ namespace: 'nobody' })).flat()).toEqual([])
    expect((await walk({ namespace: "ana' OR true --" })).flat()).toEqual([])
  })

  it('shifts nothing when rows come and go between two pages', async () => {
    await test.db
      .transaction(async (transaction) => {
        const first = await listMemories(transaction, { limit: 5 })
        await rememberMany(transaction, { items: [{ id: 'newest', text: 'text' }] })
        await transaction.execute(sql`DELETE FROM memory_items WHERE id IN ('m29', 'm25')`)
        const second = await listMemories(transaction, { limit: 5, after: first.next ?? '' })
        expect(idsOf(second.items)).toEqual(['m24', 'm23', 'm22', 'm21', 'm20'])
        transaction.rollback()
      })
      .catch((error: Error) => expect(error.message).toBe('Rollback'))
  })

  it.each([
    '',
    'x',
    'eyJ9',
    '%%%',
    5,
    cursor(null),
    cursor([]),
    cursor(['1']),
    cursor([1, 'm']),
    cursor(['1.5', 'm']),
    cursor(['now', 'm']),
    cursor(['1', 2]),
    cursor({ 0: '1', 1: 'm' }),
    cursor(["1'; DROP TABLE memory_items --", 'm']),
  ])('refuses %o as a cursor', async (after) => {
    await expectRefusal(
      listMemories(test.db, { after: after as never }),
      InvalidInputError,
      'after must be the "next"',
    )
  })

  it('refuses a cursor whose id is no text of PostgreSQL', async () => {
    await expectRefusal(listMemories(test.db, { after: cursor(['1', 'a\0']) }), InvalidInputError)
  })

  it.each([
    [{ limit: 0 }, ['limit', '1 to 1000', 'got 0']],
    [{ limit: 1001 }, ['limit', '1001']],
    [{ limit: 2.5 }, ['limit', '2.5']],
    [{ limit: Number.NaN }, ['limit', 'NaN']],
    [{ namespace: 5 }, ['namespace must be a string', 'number']],
    [{ namespace: null }, ['namespace must be a string', 'null']],
    [{ speakerId: '\0' }, ['speakerId', 'NUL']],
    [{ tags: 'odd' }, ['tags must be an array', 'string']],
    [{ tags: [null] }, ['tags[0]', 'null']],
  ])('refuses %o', async (options, parts) => {
    await expectRefusal(() => listMemories(test.db, options as never), InvalidInputError, ...parts)
  })
})
