import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  ConflictError,
  getMemory,
  InvalidInputError,
  memoryId,
  namespacedId,
  remember,
  rememberMany,
} from '../../src/index.ts'
import { canonicalText } from '../../src/memory/memory-id.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { clearMemories, embedding, expectRefusal, idsOf } from '../support/fixtures.ts'

describeOnEachBackend('a memory that is remembered twice', (test) => {
  beforeEach(() => clearMemories(test.db))
  const count = async () =>
    Number((await queryRows(test.db, sql`SELECT count(*) FROM memory_items`))[0]?.count)

  it('is one whatever white space is at its ends, and however its letters are composed', async () => {
    const composed = 'Zoë’s café'.normalize('NFC')
    const first = await remember(test.db, { text: composed })
    for (const text of [`${composed} `, `\n\t ${composed}\r\n`, composed.normalize('NFD')]) {
      expect(await remember(test.db, { text })).toEqual({ id: first.id, created: false })
    }
    const batch = [` ${composed}`, 'other', 'other ', composed.normalize('NFD')]
    const results = await rememberMany(test.db, { items: batch.map((text) => ({ text })) })
    expect(results.map(({ created }) => created)).toEqual([false, true, false, false])
    expect(results[1]?.id).toBe(results[2]?.id)
    expect((await getMemory(test.db, { id: first.id }))?.text).toBe(composed)
    expect(await count()).toBe(2)
    expect(await remember(test.db, { text: composed, namespace: 'ana' })).toMatchObject({ created: true })
  })

  it('gains the new tags, or has them replaced, or is another, as asked', async () => {
    const text = 'Ana prefers window seats'
    const { id } = await remember(test.db, { text, tags: ['travel'] })
    expect(await remember(test.db, { text, tags: ['ana', 'travel', 'ana'] })).toEqual({ id, created: false })
    expect((await getMemory(test.db, { id }))?.tags).toEqual(['travel', 'ana'])
    await remember(test.db, { text })
    expect((await getMemory(test.db, { id }))?.tags).toEqual(['travel', 'ana'])
    await remember(test.db, { text, tags: ['trains'], sameText: 'replace' })
    expect((await getMemory(test.db, { id }))?.tags).toEqual(['trains'])
    const other = await remember(test.db, { text, tags: ['planes'], sameText: 'distinct' })
    expect(other).toEqual({ id: memoryId('default', text, ['planes']), created: true })
    expect(await remember(test.db, { text, tags: ['planes'], sameText: 'distinct' })).toEqual({
      id: other.id,
      created: false,
    })
    expect(await count()).toBe(2)
    await expectRefusal(
      remember(test.db, { text, sameText: 'ignore' as 'merge' }),
      InvalidInputError,
      'sameText must be one of merge, replace, distinct, got ignore',
    )
  })

  it('merges within one call, whatever the batches are', async () => {
    for (const batchSize of [1, 2, 500]) {
      await clearMemories(test.db)
      const items = ['a', 'b', 'c'].flatMap((tag) => ['one', 'two '].map((text) => ({ text, tags: [tag] })))
      const results = await rememberMany(test.db, { items, batchSize })
      expect(new Set(idsOf(results)).size).toBe(2)
      const rows = await queryRows(test.db, sql`SELECT array_to_string(tags, ',') AS tags FROM memory_items`)
      expect(rows).toEqual([{ tags: 'a,b,c' }, { tags: 'a,b,c' }])
    }
  })

  it('keeps the vector of the text that is there', async () => {
    const { id } = await remember(test.db, { text: 'vector', embedding: embedding(1) })
    await remember(test.db, { text: 'vector ' })
    expect((await getMemory(test.db, { id }))?.embedding).toHaveLength(dimensions)
  })

  it('names the nearest other memory above a similarity', async () => {
    const near = embedding(1).map((value, at) => (at === 0 ? value + 0.5 : value))
    const first = await remember(
      test.db,
      { text: 'Ana likes tea', embedding: embedding(1) },
      { nearDuplicatesAbove: 0.95 },
    )
    expect(first.nearDuplicate).toBeNull()
    const second = await remember(
      test.db,
      { text: 'Ana enjoys tea', embedding: near },
      { nearDuplicatesAbove: 0.95 },
    )
    expect(second).toMatchObject({ created: true, nearDuplicate: { id: first.id, text: 'Ana likes tea' } })
    expect(second.nearDuplicate?.similarity).toBeGreaterThan(0.95)
    const far = { text: 'Bob likes rain', embedding: embedding(7) }
    expect(await remember(test.db, far, { nearDuplicatesAbove: 0.95 })).toMatchObject({ nearDuplicate: null })
    const elsewhere = { text: 'Ana has tea', embedding: near, namespace: 'ana' }
    expect(await remember(test.db, elsewhere, { nearDuplicatesAbove: 0.95 })).toMatchObject({
      nearDuplicate: null,
    })
    expect(await remember(test.db, { text: 'Ana enjoys tea' })).not.toHaveProperty('nearDuplicate')
    await expectRefusal(
      remember(test.db, far, { nearDuplicatesAbove: 95 }),
      InvalidInputError,
      'nearDuplicatesAbove must be a similarity from -1 to 1, got 95',
    )
  })

  it('may have a key of its own in every namespace, while an id is unique over all', async () => {
    for (const namespace of ['ana', 'bob']) {
      const id = namespacedId(namespace, 'profile')
      const profile = { namespace, key: 'profile', text: `${namespace} lives in Oslo` }
      expect(await remember(test.db, profile)).toEqual({ id, created: true })
      expect(
        await remember(test.db, { ...profile, text: `${namespace} lives in Rome`, tags: ['x'] }),
      ).toEqual({
        id,
        created: false,
      })
      expect(await getMemory(test.db, { id })).toMatchObject({
        namespace,
        text: `${namespace} lives in Rome`,
      })
    }
    expect(namespacedId('a', 'b/c')).not.toBe(namespacedId('a/b', 'c'))
    await remember(test.db, { id: 'x', namespace: 'ana', text: 'mine' })
    await expectRefusal(
      remember(test.db, { id: 'x', namespace: 'bob', text: 'mine too' }),
      ConflictError,
      'another namespace',
      'a key is unique in its own',
    )
    await expectRefusal(
      remember(test.db, { id: 'x', key: 'y', text: 'both' }),
      InvalidInputError,
      'id and key cannot both be given',
    )
  })

  it('is the same by SQL and by TypeScript', async () => {
    for (const text of ['a', ' a ', 'é', 'é', '\u00a0a', 'ﬁ', '각', 'Å', '\tä\v\f\r\n', '😀 ']) {
      const [row] = await queryRows(test.db, sql`SELECT canonical_text(${text}::text) AS text`)
      expect(row?.text).toBe(canonicalText(text))
    }
  })

  it('is found once', async () => {
    await rememberMany(test.db, { items: [{ text: 'café noir' }, { text: 'café noir\n'.normalize('NFD') }] })
    expect(await bm25Search(test.db, { queryText: 'noir' })).toHaveLength(1)
  })
})
