import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bm25Search, countMemories, listMemories, rememberMany, type Where } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, compareBytes, idsOf } from '../support/fixtures.ts'

type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue }
interface Row {
  readonly id: string
  readonly text: string
  readonly speakerId?: string
  readonly tags: string[]
  readonly importance: number
  readonly createdAt: Date
  readonly metadata: { [key: string]: JsonValue }
}

/** Keys and texts that SQL, JSON paths and format strings each read in their own way. */
const key = fc.constantFrom('a', 'b', '0', '-1', "'", '"', '%s', '$2', '{x,y}', '\\', 'ü', 'a b')
const scalar = fc.constantFrom<JsonValue>(
  1,
  2,
  1.5,
  -3,
  0,
  1e300,
  'a',
  'b',
  'null',
  '1',
  "it's",
  '%L',
  '',
  true,
  false,
  null,
)
const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }) as fc.Arbitrary<JsonValue>,
  ),
})).value
const tag = fc.constantFrom('t1', 't2', "t'", '{t}', '')
const speaker = fc.constantFrom('ana', 'Bob', 'ü', '😀', '\uffee', "o'")
const moment = fc.constantFrom(...[0, 1, 2, 3].map((day) => new Date(Date.UTC(2024, 0, 1 + day))))
const importance = fc.constantFrom<number>(0, 0.1, 0.5, 0.7, 1)
const row: fc.Arbitrary<Omit<Row, 'id' | 'text'>> = fc.record(
  {
    speakerId: speaker,
    tags: fc.uniqueArray(tag, { maxLength: 3 }),
    importance,
    createdAt: moment,
    metadata: fc.dictionary(key, json, { maxKeys: 4 }),
  },
  { requiredKeys: ['tags', 'importance', 'createdAt', 'metadata'] },
)

/** A condition as it is asked, and what it means. */
interface Asked {
  readonly where: Where
  readonly holds: (row: Row) => boolean
}

type Operators<Value> = { [operator: string]: (found: Value | undefined, given: never) => boolean }
const compared = <Value>(compare: (one: Value, other: Value) => number | undefined): Operators<Value> => {
  const ordered = (test: (order: number) => boolean) => (found: Value | undefined, given: Value) => {
    const order = found === undefined ? undefined : compare(found, given)
    return order !== undefined && test(order)
  }
  return {
    gt: ordered((order) => order > 0),
    gte: ordered((order) => order >= 0),
    lt: ordered((order) => order < 0),
    lte: ordered((order) => order <= 0),
  } as Operators<Value>
}

const same = (one: unknown, other: unknown): boolean => {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((each, at) => same(each, other[at]))
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys(one)
    return (
      keys.length === Object.keys(other).length &&
      keys.every((each) => Object.hasOwn(other, each) && same(one[each], other[each]))
    )
  }
  return one === other
}
function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What PostgreSQL's `#>` finds: a key of an object, or a place of an array. */
function at(value: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let reached = value
  for (const step of path) {
    if (Array.isArray(reached)) reached = /^-?\d+$/.test(step) ? reached.at(Number(step)) : undefined
    else if (isObject(reached))
      reached = Object.hasOwn(reached, step) ? (reached[step] as JsonValue) : undefined
    else return undefined
  }
  return reached
}

function field<Value>(
  name: (operators: object) => Where,
  value: fc.Arbitrary<Value>,
  found: (row: Row) => Value | undefined,
  equal: (one: Value, other: Value) => boolean,
  more: Operators<Value>,
  orderable: fc.Arbitrary<Value> = value,
): fc.Arbitrary<Asked> {
  const list = fc.array(value, { maxLength: 3 })
  const isIn = (row: Row, given: Value[]) => {
    const held = found(row)
    return held !== undefined && given.some((one) => equal(held, one))
  }
  const operator = (
    key: string,
    arbitrary: fc.Arbitrary<unknown>,
    holds: (row: Row, given: never) => boolean,
  ) =>
    arbitrary.map((given) => ({
      where: name({ [key]: given }),
      holds: (row: Row) => holds(row, given as never),
    }))
  return fc.oneof(
    operator('eq', value, (row, given: Value) => isIn(row, [given])),
    operator('ne', value, (row, given: Value) => !isIn(row, [given])),
    operator('in', list, isIn),
    operator('notIn', list, (row, given: Value[]) => !isIn(row, given)),
    operator('exists', fc.boolean(), (row, given: boolean) => (found(row) !== undefined) === given),
    ...Object.entries(more).map(([key, holds]) =>
      operator(key, orderable, (row, given) => holds(found(row), given)),
    ),
  )
}

const jsonOrder = compared<JsonValue>((one, other) => {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  // One letter of ASCII: in any collation of the database.
  if (typeof one === 'string' && typeof other === 'string' && /^[ab]$/.test(one) && /^[ab]$/.test(other))
    return compareBytes(one, other)
  return undefined
})
const numbers = fc.constantFrom<JsonValue>(1, 2, 1.5, -3, 0, 1e300)
const metadata = fc.array(key, { minLength: 1, maxLength: 3 }).chain((path) =>
  field<JsonValue>(
    (operators) => ({ path, ...operators }),
    json,
    (row) => at(row.metadata, path),
    same,
    jsonOrder,
    numbers,
  ),
)
const leaf: fc.Arbitrary<Asked> = fc.oneof(
  { weight: 3, arbitrary: metadata },
  {
    weight: 1,
    arbitrary: field(
      (operators) => ({ speakerId: operators }),
      speaker,
      (row) => row.speakerId,
      (one, other) => one === other,
      compared(compareBytes),
    ),
  },
  {
    weight: 1,
    arbitrary: field(
      (operators) => ({ importance: operators }),
      importance,
      (row) => row.importance,
      (one, other) => one === other,
      compared((one, other) => one - other),
    ),
  },
  {
    weight: 1,
    arbitrary: field(
      (operators) => ({ createdAt: operators }),
      moment,
      (row) => row.createdAt,
      (one, other) => Number(one) === Number(other),
      compared((one, other) => Number(one) - Number(other)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('any' as const, 'all' as const, 'none' as const),
        fc.array(tag, { maxLength: 3 }),
      )
      .map(([how, given]) => ({
        where: { tags: { [how]: given } },
        holds: (row: Row) =>
          how === 'all'
            ? given.every((one) => row.tags.includes(one))
            : given.some((one) => row.tags.includes(one)) === (how === 'any'),
      })),
  },
)
const asked = fc.letrec<{ node: Asked }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((nodes) => ({
      where: { and: nodes.map(({ where }) => where) },
      holds: (row: Row) => nodes.every(({ holds }) => holds(row)),
    })),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((nodes) => ({
      where: { or: nodes.map(({ where }) => where) },
      holds: (row: Row) => nodes.some(({ holds }) => holds(row)),
    })),
    tie('node').map(({ where, holds }) => ({ where: { not: where }, holds: (row: Row) => !holds(row) })),
  ),
})).node

describeOnEachBackend('filter.where on random data', (test) => {
  it('finds what the condition means, whatever its keys and values are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 12 }),
        fc.array(asked, { minLength: 1, maxLength: 12 }),
        async (given, conditions) => {
          const rows = given.map((one, place) => ({ ...one, id: `m${place}`, text: `coffee ${place}` }))
          await clearMemories(test.db)
          await rememberMany(test.db, { items: rows })
          for (const { where, holds } of conditions) {
            const expected = idsOf(rows.filter(holds)).sort()
            const { items } = await listMemories(test.db, { filter: { where } })
            expect(idsOf(items).sort(), JSON.stringify(where)).toEqual(expected)
            expect(await countMemories(test.db, { filter: { where } })).toBe(expected.length)
            const found = await bm25Search(test.db, { queryText: 'coffee', k: 100, filter: { where } })
            expect(idsOf(found).sort()).toEqual(expected)
          }
        },
      ),
      { numRuns: 40, interruptAfterTimeLimit: 25_000, markInterruptAsFailure: false },
    )
  }, 120_000)
})
