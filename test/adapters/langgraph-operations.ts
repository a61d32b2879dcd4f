import type { InMemoryStore, Item, Operation } from '@langchain/langgraph-checkpoint'
import fc from 'fast-check'

const label = fc.constantFrom('users', 'ana', 'anabel', 'a', 'a/b', 'b%2F', 'ä 😀')
const namespace = fc.array(label, { minLength: 1, maxLength: 3 })
const prefix = fc.array(label, { maxLength: 2 })
const key = fc.constantFrom('k1', 'k2', 'prefs', "o'k")
const scalar = fc.constantFrom<unknown>(
  0,
  1,
  2,
  10,
  -1.5,
  1e21,
  '',
  ' 2 ',
  '10',
  '1e1',
  'red',
  'rot"\\',
  true,
  false,
  null,
)
const value = fc.record(
  { n: scalar, colour: scalar, nested: fc.constant({ deep: ['red', 3] }) },
  { requiredKeys: [] },
)
const operators = fc.oneof(
  fc.record({ $eq: scalar }),
  fc.record({ $ne: scalar }),
  fc.record({ $gt: scalar }),
  fc.record({ $gte: scalar, $lt: scalar }),
  fc.record({ $lte: scalar }),
  fc.record({ $in: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $nin: fc.array(scalar, { maxLength: 3 }) }),
  fc.constant({}),
)
const filter = fc.record(
  { n: fc.oneof(scalar, operators), colour: fc.oneof(scalar, operators) },
  { requiredKeys: [] },
)
const path = fc.array(fc.oneof(label, fc.constant('*')), { minLength: 1, maxLength: 2 })

const put = fc.record({
  namespace,
  key,
  value: fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) }),
})
const get = fc.record({ namespace, key })
const search = fc.record({
  namespacePrefix: prefix,
  filter,
  limit: fc.constant(1000),
  offset: fc.constant(0),
})
const list = fc.record({
  matchConditions: fc.array(
    fc.record({ matchType: fc.constantFrom('prefix' as const, 'suffix' as const), path }),
    { maxLength: 2 },
  ),
  limit: fc.constant(1000),
  offset: fc.constant(0),
})
export const batch = fc.array(fc.oneof({ weight: 4, arbitrary: put }, get, search, list), {
  minLength: 1,
  maxLength: 5,
})

const place = (item: Pick<Item, 'namespace' | 'key'>) => JSON.stringify([item.namespace, item.key])

/** An item without what two stores cannot have alike. */
export const plain = (item: Item | null) =>
  item && { namespace: item.namespace, key: item.key, value: item.value }

export const byPlace = (items: readonly Item[]) =>
  items.map(plain).sort((one, other) => (place(one as Item) < place(other as Item) ? -1 : 1))

/** A namespace stays in InMemoryStore's list when its last item has gone. */
export function withItems(namespaces: string[][], items: readonly Item[]): string[][] {
  const known = new Set(items.map((item) => JSON.stringify(item.namespace)))
  return namespaces.filter((labels) => known.has(JSON.stringify(labels)))
}

/** A batch of InMemoryStore whose reads are copies: it gives out its own items, which its writes then change. */
export async function readThenWrite(oracle: InMemoryStore, operations: Operation[]): Promise<unknown[]> {
  const isPut = (operation: Operation) => 'value' in operation
  const reads = structuredClone(
    await oracle.batch(operations.filter((operation) => !isPut(operation))),
  ) as unknown[]
  await oracle.batch(structuredClone(operations.filter(isPut)))
  return operations.map((operation) => (isPut(operation) ? null : reads.shift()))
}
