import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import type { Database } from '../../src/database/database.ts'
import { type SearchFilter, schema } from '../../src/index.ts'
import type { OracleQuery } from './bm25-oracle.ts'
import { embedding } from './fixtures.ts'

/** Few words, so that texts share them, scores tie and document frequencies reach half of the corpus. */
const vocabulary = [
  'coffee',
  'tea',
  'window',
  'seat',
  'running',
  'runs',
  'ran',
  'Ana',
  'project',
  'the',
  'of',
  'and',
  'state-of-the-art',
  "don't",
  "o'neil",
  'naïve',
  'Zürich',
  '日本語',
  '😀',
  'שלום',
  'x\\y',
  '50%',
  'a.b@c.com',
  'https://example.com/a/b?c=d',
  '2024-05-01',
  '3.14',
  'C++',
  '&',
  '|',
  '!',
  ':*',
  '(',
  ')',
  "'",
  '$1',
  '--',
] as const

const word = fc.constantFrom(...vocabulary)
const queryWord = fc.constantFrom(...vocabulary.filter((value) => !value.startsWith('-')), 'neverwritten')

/** What PostgreSQL can store: no NUL, and fast-check's graphemes have whole surrogate pairs. */
export const storableText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .map((text) => text.replaceAll('\0', ' '))

export const memoryText = fc.oneof(
  { weight: 8, arbitrary: fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' ')) },
  { weight: 1, arbitrary: storableText },
  {
    weight: 1,
    arbitrary: fc.constantFrom('the of and', ' ', 'the', '"quoted coffee" -tea', "it's \\ 'tea'"),
  },
  // Beyond the 255 positions that a lexeme keeps, and about the 16,383 that a document has.
  {
    weight: 1,
    arbitrary: fc.tuple(word, fc.constantFrom(200, 300, 9000)).map(([one, times]) => `${one} * ${times}`),
  },
)

/** The text of a memory as it is written: `word * 300` is the word 300 times, so that counterexamples stay short. */
export function writtenText(text: string): string {
  const [, repeated = '', times = ''] = /^(\S+) \* (\d+)$/.exec(text) ?? []
  if (repeated === '') return text
  const once = `${repeated} tea `
  return once.repeat(Math.min(Number(times), Math.floor(65_536 / Buffer.byteLength(once))))
}

/** Ids whose order differs between bytes, UTF-16 units and any dictionary. */
const id = fc
  .tuple(fc.constantFrom('a', 'B', 'z', 'Z', 'ä', '10', '9', '\uffee', '😀', "'", '%', '\\'), fc.nat(3))
  .map(([letter, number]) => `${letter}${number}`)

const tags = fc.uniqueArray(fc.constantFrom('work', 'home', 'a,b', '{"x"}', 'ünï', '', 'null'), {
  maxLength: 3,
})
const namespace = fc.constantFrom('default', 'ana', 'böb')
const speakerId = fc.constantFrom(null, 's1', "s'2")
const metadata = fc.constantFrom({}, { kind: 'note' }, { kind: 'note', level: 2 }, { level: 3 })
const moments = [0, 1, 1000, 86_400_000].map((later) => new Date(Date.UTC(2024, 0, 1) + later))
const createdAt = fc.constantFrom(...moments)
export const someEmbedding = fc.integer({ min: 1, max: 8 }).map(embedding)

const memory = fc.record({
  id,
  namespace,
  text: memoryText,
  tags,
  speakerId,
  metadata,
  createdAt,
  embedding: fc.option(someEmbedding, { nil: null, freq: 2 }),
  expiresAt: fc.constantFrom(null, null, null, new Date('2000-01-01'), new Date('2999-01-01')),
})

type Change =
  | { readonly kind: 'write'; readonly row: typeof schema.memoryItems.$inferInsert & { readonly id: string } }
  | { readonly kind: 'retext'; readonly at: number; readonly text: string }
  | { readonly kind: 'retag'; readonly at: number; readonly tags: string[] }
  | { readonly kind: 'delete'; readonly at: number }
  | {
      readonly kind: 'rolledBack'
      readonly row: typeof schema.memoryItems.$inferInsert & { readonly id: string }
    }
  | { readonly kind: 'truncate' }

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('write' as const), row: memory }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('retext' as const), at: fc.nat(40), text: memoryText }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retag' as const), at: fc.nat(40), tags }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rolledBack' as const), row: memory }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'truncate' as const }) },
)

/** What happens to a table, in order. */
export const changes = fc.array(change, { minLength: 1, maxLength: 35, size: 'max' })

/** Makes the table what the changes make of an empty one, by plain statements that the helpers play no part in. */
export async function apply(db: Database, history: readonly Change[]): Promise<void> {
  const { memoryItems } = schema
  await db.delete(memoryItems)
  const present = new Set<string>()
  const pick = (at: number) => [...present][at % Math.max(1, present.size)]
  for (const one of history) {
    if (one.kind === 'write') {
      const row = { ...one.row, text: writtenText(one.row.text) }
      const { id: _, ...set } = row
      await db.insert(memoryItems).values(row).onConflictDoUpdate({ target: memoryItems.id, set })
      present.add(one.row.id)
    } else if (one.kind === 'rolledBack') {
      await db
        .transaction(async (transaction) => {
          await transaction.insert(memoryItems).values({ ...one.row, id: 'rolled back' })
          transaction.rollback()
        })
        .catch((error: Error) => {
          if (error.name !== 'DrizzleError' && error.message !== 'Rollback') throw error
        })
    } else if (one.kind === 'truncate') {
      await db.execute(sql`TRUNCATE memory_items`)
      present.clear()
    } else {
      const chosen = pick(one.at)
      if (chosen === undefined) continue
      const row = sql`${memoryItems.id} = ${chosen}`
      if (one.kind === 'retext')
        await db
          .update(memoryItems)
          .set({ text: writtenText(one.text) })
          .where(row)
      if (one.kind === 'retag') await db.update(memoryItems).set({ tags: one.tags }).where(row)
      if (one.kind === 'delete') {
        await db.delete(memoryItems).where(row)
        present.delete(chosen)
      }
    }
  }
}

const phrase = fc.array(queryWord, { minLength: 1, maxLength: 3 }).map((words) => words.join(' '))

export const query: fc.Arbitrary<OracleQuery> = fc.record({
  words: fc.array(queryWord, { maxLength: 6 }),
  phrases: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(phrase, { maxLength: 2 }) },
  ),
  exclusions: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(phrase, { maxLength: 2 }) },
  ),
})

export const limit = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(1, 100, 1000))

export const queryTags = fc.oneof(
  { weight: 2, arbitrary: fc.constant([] as string[]) },
  { weight: 1, arbitrary: tags },
)

/** Every key of a filter, each absent as a rule; typo correction is off, because the oracle has none. */
export const searchFilter: fc.Arbitrary<SearchFilter> = fc
  .record(
    {
      namespace,
      speakerId: fc.constantFrom('s1', "s'2", 'nobody'),
      allTags: fc.boolean(),
      since: fc.oneof(
        createdAt,
        createdAt.map((date) => date.toISOString()),
      ),
      until: createdAt,
      metadata: fc.constantFrom({}, { kind: 'note' }, { level: 2 }, { kind: 'note', level: 3 }),
      ids: fc.uniqueArray(id, { maxLength: 20 }),
    },
    { requiredKeys: [] },
  )
  .chain((filter) => fc.subarray(Object.entries(filter)))
  .map((entries) => ({ ...Object.fromEntries(entries.slice(0, 2)), fuzzy: false }))
