import { beforeEach, expect, it } from 'vitest'
import { forget, InvalidInputError, rememberMany, schema } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, expectRefusal } from '../support/fixtures.ts'

describeOnEachBackend('forget', (test) => {
  beforeEach(async () => {
    await clearMemories(test.db)
    const items = ['a', 'b', "c'd", '{e}', '\\'].map((id) => ({
      id,
      text: id,
      namespace: id === 'b' ? 'bob' : 'ana',
    }))
    await rememberMany(test.db, { items })
  })
  const count = () => test.db.$count(schema.memoryItems)

  it('deletes what is there and says what that was', async () => {
    const forgotten = await forget(test.db, { ids: ['a', "c'd", '{e}', '\\', 'nobody', 'a'] })
    expect(forgotten.sort()).toEqual(['\\', 'a', "c'd", '{e}'])
    expect(await count()).toBe(1)
    expect(await forget(test.db, { ids: [] })).toEqual([])
  })

  it('keeps to a namespace', async () => {
    expect(await forget(test.db, { ids: ['a', 'b'], namespace: 'ana' })).toEqual(['a'])
    expect(await count()).toBe(4)
  })

  it('takes more ids than a statement has parameters', async () => {
    const ids = Array.from({ length: 66_000 }, (_, at) => `n${at}`)
    expect(await forget(test.db, { ids: [...ids, 'a'] })).toEqual(['a'])
  })

  it('refuses what is no list of ids, and deletes nothing', async () => {
    await expectRefusal(
      forget(test.db, { ids: 'ab' as never }),
      InvalidInputError,
      'ids must be an array',
      'string',
    )
    await expectRefusal(forget(test.db, { ids: ['a', null as never] }), InvalidInputError, 'ids[1]', 'null')
    await expectRefusal(
      forget(test.db, { ids: ['a'], namespace: null as never }),
      InvalidInputError,
      'namespace',
    )
    expect(await forget(test.db, { ids: ["' OR true --", 'a) OR (true'] })).toEqual([])
    expect(await count()).toBe(5)
  })
})
