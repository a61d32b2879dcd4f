import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  bm25Search,
  countMemories,
  type Database,
  erase,
  forget,
  hybridSearch,
  listMemories,
  memoryHistory,
  memoryId,
  pruneExpired,
  remember,
  type SearchFilter,
  supersede,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories, compareBytes, embedding, idsOf } from '../support/fixtures.ts'
import { expectExactStatistics } from '../support/search-statistics.ts'

/** A memory as the model has it: the store's rules in a few lines of TypeScript. */
interface ModelRow {
  readonly id: string
  readonly namespace: string
  readonly speaker: string
  readonly learnt: number
  text: string
  tags: string[]
  hasVector: boolean
  expired: boolean
  /** The step that superseded it, and by what. */
  superseded: { step: number; by: string } | null
  /** What it said before each change. */
  versions: string[]
}

interface World {
  readonly rows: Map<string, ModelRow>
  /** The database's clock after each step. */
  readonly times: string[]
}

const texts = [
  'fact one',
  'fact two',
  'fact two ',
  'fact été',
  'fact e\u0301te\u0301',
  'fact three is a fact',
]
const canonical = (text: string) => text.trim().normalize('NFC')
const namespace = fc.constantFrom('ana', 'bob')
const text = fc.constantFrom(...texts)
const tags = fc.subarray(['a', 'b', 'c'])
const at = fc.nat(1000)
type Step =
  | {
      kind: 'remember'
      namespace: string
      text: string
      tags: string[]
      speaker: string
      vector: boolean
      sameText: 'merge' | 'replace' | 'distinct'
    }
  | { kind: 'edit' | 'supersede'; at: number; text: string }
  | { kind: 'forget' | 'expire'; at: number }
  | { kind: 'supersedeBy'; at: number; other: number }
  | { kind: 'erase'; speaker: string; namespace: string }
  | { kind: 'prune' }
const speaker = fc.constantFrom('s1', 's2')
const sameText = fc.constantFrom('merge' as const, 'merge' as const, 'replace' as const, 'distinct' as const)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('remember' as const),
      namespace,
      text,
      tags,
      speaker,
      vector: fc.boolean(),
      sameText,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('edit' as const, 'supersede' as const), at, text }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('forget' as const, 'expire' as const),
      at,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('supersedeBy' as const), at, other: at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), speaker, namespace }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const) }) },
)

/** The row that says the same, as `remember` looks for it. */
function sameAs(world: World, one: { namespace: string; text: string; tags: string[]; sameText: string }) {
  const id = memoryId(one.namespace, one.text, one.tags)
  return [...world.rows.values()]
    .filter((row) => row.namespace === one.namespace && row.superseded === null)
    .filter((row) => canonical(row.text) === canonical(one.text))
    .filter(
      (row) => one.sameText !== 'distinct' || [...row.tags].sort().join() === [...one.tags].sort().join(),
    )
    .sort(
      (x, y) => Number(y.id === id) - Number(x.id === id) || x.learnt - y.learnt || compareBytes(x.id, y.id),
    )[0]
}

function freeId(world: World, id: string): string {
  if (!world.rows.has(id)) return id
  for (let number = 2; ; number++) if (!world.rows.has(`${id}-${number}`)) return `${id}-${number}`
}

/** What `remember` does to the model. */
function rememberInModel(world: World, one: Extract<Step, { kind: 'remember' }>): ModelRow {
  const known = sameAs(world, one)
  if (known === undefined) {
    const row = {
      id: freeId(world, memoryId(one.namespace, one.text, one.tags)),
      namespace: one.namespace,
      speaker: one.speaker,
      learnt: world.times.length,
      text: one.text,
      tags: one.tags,
      hasVector: one.vector,
      expired: false,
      superseded: null,
      versions: [],
    }
    world.rows.set(row.id, row)
    return row
  }
  const before = version(known)
  if (one.sameText === 'merge')
    known.tags = [...known.tags, ...one.tags.filter((tag) => !known.tags.includes(tag))]
  else known.tags = one.tags
  known.hasVector ||= one.vector
  Object.assign(known, { speaker: one.speaker, expired: false })
  if (version(known) !== before) known.versions.push(before)
  return known
}

const version = (row: ModelRow) => JSON.stringify([row.text, row.tags])

async function take(db: Database, world: World, one: Step): Promise<void> {
  const rows = [...world.rows.values()]
  const pick = (place: number) => (rows.length === 0 ? undefined : rows[place % rows.length])
  const vector = { embedding: embedding(1) }
  if (one.kind === 'remember') {
    const { kind: _, speaker: speakerId, vector: hasVector, ...memory } = one
    const result = await remember(db, { ...memory, speakerId, ...(hasVector ? vector : {}) })
    const isNew = sameAs(world, one) === undefined
    expect(result).toEqual({ id: rememberInModel(world, one).id, created: isNew })
  } else if (one.kind === 'erase') {
    const gone = rows.filter((row) => row.speaker === one.speaker && row.namespace === one.namespace)
    expect(await erase(db, { speakerId: one.speaker, namespace: one.namespace })).toMatchObject({
      memories: gone.length,
    })
    for (const row of gone) world.rows.delete(row.id)
    for (const row of world.rows.values()) {
      if (row.superseded && gone.some(({ id }) => id === row.superseded?.by)) row.superseded.by = '(erased)'
    }
  } else if (one.kind === 'prune') {
    const gone = rows.filter((row) => row.expired)
    expect(await pruneExpired(db)).toBe(gone.length)
    for (const row of gone) world.rows.delete(row.id)
  } else {
    const row = pick(one.at)
    if (row === undefined) return
    if (one.kind === 'edit') {
      await db.execute(sql`UPDATE memory_items SET text = ${one.text} WHERE id = ${row.id}`)
      if (one.text === row.text) return
      row.versions.push(version(row))
      Object.assign(row, { text: one.text, hasVector: false })
    } else if (one.kind === 'forget') {
      expect(await forget(db, { ids: [row.id] })).toEqual([row.id])
      world.rows.delete(row.id)
    } else if (one.kind === 'expire') {
      await db.execute(sql`UPDATE memory_items SET expires_at = '2000-01-01T00:00:00Z' WHERE id = ${row.id}`)
      row.expired = true
    } else if (one.kind === 'supersede') {
      const work = supersede(db, { id: row.id, text: one.text, speakerId: 's1' })
      if (row.superseded !== null) return expect(work).rejects.toMatchObject({ code: 'conflict' })
      row.superseded = { step: world.times.length, by: row.id }
      const next = {
        kind: 'remember',
        namespace: row.namespace,
        text: one.text,
        tags: [],
        speaker: 's1',
        vector: false,
        sameText: 'merge',
      } as const
      const successor = rememberInModel(world, { ...next, tags: [] })
      row.superseded.by = successor.id
      expect(await work).toMatchObject({ id: row.id, by: successor.id })
    } else if (one.kind === 'supersedeBy') {
      const other = pick(one.other) as ModelRow
      const work = supersede(db, { id: row.id, by: other.id })
      if (other.namespace !== row.namespace) return expect(work).rejects.toMatchObject({ code: 'not_found' })
      if (row.superseded?.by === other.id && row !== other) return void (await work)
      if (row === other || row.superseded || other.superseded)
        return expect(work).rejects.toMatchObject({ code: 'conflict' })
      await work
      row.superseded = { step: world.times.length, by: other.id }
    }
  }
}

/** Rows and searches, now and at an earlier moment, are as the model has them. */
async function compare(db: Database, world: World, moment: number): Promise<void> {
  const { items } = await listMemories(db, { includeExpired: true, includeSuperseded: true, limit: 1000 })
  const actual = items.map((row) => ({
    id: row.id,
    text: row.text,
    tags: [...row.tags].sort(),
    speaker: row.speakerId,
    hasVector: row.embedding !== null,
    supersededBy: row.supersededBy,
  }))
  const expected = [...world.rows.values()].map((row) => ({
    id: row.id,
    text: row.text,
    tags: [...row.tags].sort(),
    speaker: row.speaker,
    hasVector: row.hasVector,
    supersededBy: row.superseded?.by ?? null,
  }))
  const byId = (one: { id: string }, other: { id: string }) => compareBytes(one.id, other.id)
  expect(actual.sort(byId)).toEqual(expected.sort(byId))

  const now = [...world.rows.values()].filter((row) => !row.expired && row.superseded === null)
  await expectFound(db, {}, now)
  const asOf = world.times[moment % world.times.length] as string
  const step = moment % world.times.length
  const then = [...world.rows.values()].filter(
    (row) => !row.expired && row.learnt <= step && (row.superseded === null || row.superseded.step > step),
  )
  await expectFound(db, { asOf }, then)
  await expectFound(
    db,
    { asOf, namespace: 'ana' },
    then.filter((row) => row.namespace === 'ana'),
  )
}

async function expectFound(db: Database, filter: SearchFilter, rows: ModelRow[]): Promise<void> {
  const ids = rows.map((row) => row.id).sort()
  const withVector = rows.filter((row) => row.hasVector).map((row) => row.id)
  const queryEmbedding = embedding(1)
  expect(idsOf(await bm25Search(db, { queryText: 'fact', k: 1000, filter })).sort()).toEqual(ids)
  expect(idsOf(await vectorSearch(db, { queryEmbedding, k: 1000, filter })).sort()).toEqual(withVector.sort())
  expect(
    idsOf(await hybridSearch(db, { queryText: 'fact', queryEmbedding, k: 1000, filter })).sort(),
  ).toEqual(ids)
  expect(await countMemories(db, { filter })).toBe(ids.length)
}

describeOnEachBackend('memories and their model', (test) => {
  it('agree after every step, now and at any moment before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, at), { minLength: 1, maxLength: 30, size: 'max' }),
        async (steps) => {
          await clearMemories(test.db)
          const world: World = { rows: new Map(), times: [] }
          for (const [one, moment] of steps) {
            await take(test.db, world, one)
            const [row] = await queryRows(
              test.db,
              sql`SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS now`,
            )
            world.times.push(String(row?.now))
            await compare(test.db, world, moment)
          }
          for (const row of world.rows.values()) {
            const history = await memoryHistory(test.db, { id: row.id })
            expect(history?.versions.map((one) => JSON.stringify([one.text, one.tags]))).toEqual([
              ...row.versions,
              version(row),
            ])
          }
          await expectExactStatistics(test.db)
        },
      ),
      {
        numRuns: Number(process.env.MODEL_RUNS ?? 15),
        interruptAfterTimeLimit: 60_000,
        markInterruptAsFailure: false,
      },
    )
  }, 240_000)
})
