import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rowsOf } from '../../src/database/rows.ts'
import { InvalidInputError, memoryId } from '../../src/index.ts'
import { storableText } from '../support/arbitraries.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'

describeOnEachBackend('memory_id', (test) => {
  /** Many at once, as JSON, so that a thousand cases are one statement. */
  const idsInSql = async (cases: readonly (readonly [string, string, readonly string[]])[]) => {
    const rows = rowsOf(
      await test.db.execute(sql`
        SELECT memory_id(one ->> 0, one ->> 1, ARRAY(SELECT json_array_elements_text(one -> 2))) AS id
        FROM json_array_elements(${JSON.stringify(cases)}::text::json) WITH ORDINALITY AS given (one, place)
        ORDER BY place
      `),
    )
    return rows.map((row) => row.id)
  }

  it('is the same in SQL and in TypeScript', async () => {
    const text = fc.oneof(
      storableText,
      fc.constantFrom('', '1:a,', ',', "'", '\\', '😀', '\uffee', 'é', 'e\u0301'),
    )
    const one = fc.tuple(text, text, fc.array(text, { maxLength: 5 }))
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 20, maxLength: 50 }), async (cases) => {
        expect(await idsInSql(cases)).toEqual(cases.map((given) => memoryId(...given)))
      }),
      { numRuns: 20 },
    )
  })

  it('ignores the order of tags and repeated ones, and nothing else', async () => {
    const id = memoryId('ana', 'text', ['b', 'a'])
    expect(memoryId('ana', 'text', ['a', 'b', 'a'])).toBe(id)
    const others = [
      ['ana', 'text', []],
      ['ana', 'text', ['ab']],
      ['ana', 'text', ['a', 'b', 'c']],
      ['anatext', '', ['a', 'b']],
      ['ana', 'text1:a,', ['b']],
      ['bob', 'text', ['a', 'b']],
    ] satisfies [string, string, string[]][]
    const ids = others.map((given) => memoryId(...given))
    expect(new Set([id, ...ids]).size).toBe(others.length + 1)
    expect(await idsInSql(others)).toEqual(ids)
  })

  it('is the SHA-256 of the netstrings', () => {
    // printf '7:default,5:hello,1:a,2:\xc3\xa9,' | sha256sum
    expect(memoryId('default', 'hello', ['é', 'a'])).toBe(
      '428573a5b52ea6eca9d269e3b2bc6247d28830bcdaa96d58d390360a2d1e108d',
    )
  })

  it('refuses null in SQL, and what UTF-8 cannot hold in TypeScript', async () => {
    for (const call of [
      sql`memory_id(NULL, 'a', '{}')`,
      sql`memory_id('a', NULL, '{}')`,
      sql`memory_id('a', 'b', '{NULL}')`,
    ]) {
      await expect(test.db.execute(sql`SELECT ${call}`)).rejects.toMatchObject({
        cause: { code: '22004', message: expect.stringContaining('got null') },
      })
    }
    expect(
      await test.db.execute(sql`SELECT memory_id(namespace => 'a', text => 'b', tags => NULL)`),
    ).toBeDefined()
    await expectRefusal(() => memoryId('a', '\ud800'), InvalidInputError, 'text', 'surrogate')
    await expectRefusal(() => memoryId('a', 'b', ['\0']), InvalidInputError, 'tags', 'NUL')
  })
})
