import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { getMemory, InvalidInputError, remember } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { embedding, expectRefusal } from '../support/fixtures.ts'

describeOnEachBackend('getMemory', (test) => {
  it('gives the row with dates as Date and the embedding as numbers, without the search columns', async () => {
    await remember(test.db, {
      id: 'x',
      text: 'text',
      namespace: 'ana',
      embedding: embedding(1),
      metadata: { a: [1] },
    })
    const memory = await getMemory(test.db, { id: 'x' })
    expect(Object.keys(memory ?? {}).sort()).toEqual([
      'createdAt',
      'documentId',
      'documentPlace',
      'embedding',
      'expiresAt',
      'id',
      'importance',
      'metadata',
      'namespace',
      'speakerId',
      'supersededAt',
      'supersededBy',
      'tags',
      'text',
      'updatedAt',
      'validFrom',
      'validTo',
    ])
    expect(memory?.createdAt).toBeInstanceOf(Date)
    expect(memory?.updatedAt).toBeInstanceOf(Date)
    expect(memory?.embedding?.every((value) => typeof value === 'number')).toBe(true)
    expect(memory?.metadata).toEqual({ a: [1] })
  })

  it('gives null for an id that is not there, or in another namespace', async () => {
    expect(await getMemory(test.db, { id: 'nobody' })).toBeNull()
    expect(await getMemory(test.db, { id: 'x', namespace: 'bob' })).toBeNull()
    expect(await getMemory(test.db, { id: 'x', namespace: 'ana' })).not.toBeNull()
    expect(await getMemory(test.db, { id: "x' OR true --" })).toBeNull()
  })

  it('gives an expired memory too', async () => {
    await remember(test.db, { id: 'old', text: 'old' })
    await test.db.execute(sql`UPDATE memory_items SET expires_at = now() - interval '1 day' WHERE id = 'old'`)
    expect(await getMemory(test.db, { id: 'old' })).toMatchObject({ id: 'old', expiresAt: expect.any(Date) })
  })

  it('refuses what is no id', async () => {
    await expectRefusal(
      getMemory(test.db, { id: 5 as never }),
      InvalidInputError,
      'id must be a string',
      'number',
    )
    await expectRefusal(getMemory(test.db, { id: 'a\0' }), InvalidInputError, 'id', 'NUL')
    await expectRefusal(
      getMemory(test.db, { id: 'a', namespace: 5 as never }),
      InvalidInputError,
      'namespace',
      'number',
    )
  })
})
