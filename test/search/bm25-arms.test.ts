import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { describeOnEachBackend, type TestDatabase } from '../support/backends.ts'

/** What a search knows of its lexemes when it asks which documents can still be among the best. */
interface Lexemes {
  /** For each the most that a document can get by its level: below the first layer, in layer 1, 2, 3. */
  readonly bounds: readonly (readonly number[])[]
  /** In how many documents each level is. */
  readonly frequencies: readonly (readonly number[])[]
}

/** For each lexeme its level in a document, 0 to 3; -1 where it is absent. */
type Levels = readonly number[]

/** More than this have too many documents to try them all. */
const mostLexemes = 4

const everyDocument = (lexemes: number): Levels[] =>
  Array.from({ length: 5 ** lexemes }, (_, number) =>
    Array.from({ length: lexemes }, (_, at) => (Math.floor(number / 5 ** at) % 5) - 1),
  )

/** The most that a document can score. */
const bound = (levels: Levels, { bounds }: Lexemes) =>
  levels.reduce((sum, level, at) => sum + (level < 0 ? 0 : (bounds[at]?.[level] as number)), 0)

const term = (lexeme: number, level: number) => `${String.fromCharCode(97 + lexeme)}${level}`
const vector = (levels: Levels) =>
  levels.flatMap((level, at) => Array.from({ length: level + 1 }, (_, below) => term(at, below))).join(' ')

const level = fc.array(fc.double({ min: 0.05, max: 3, noNaN: true }), { minLength: 4, maxLength: 4 })
// So many that no condition is left out because it would spare too little, or so few that some are.
const frequency = fc.oneof(fc.integer({ min: 100_000, max: 900_000 }), fc.integer({ min: 1, max: 50_000 }))
const lexemesOf = (count: fc.Arbitrary<number>): fc.Arbitrary<Lexemes> =>
  count.chain((length) =>
    fc.record({
      bounds: fc.array(
        level.map((steps) => steps.map((_, at) => steps.slice(0, at + 1).reduce((sum, step) => sum + step))),
        { minLength: length, maxLength: length },
      ),
      frequencies: fc.array(
        fc
          .array(frequency, { minLength: 4, maxLength: 4 })
          .map((each) => each.sort((one, other) => other - one)),
        { minLength: length, maxLength: length },
      ),
    }),
  )

/** Lexemes, and a document whose bound is the one in question: it is just above the threshold. */
const cases = lexemesOf(fc.integer({ min: 1, max: mostLexemes })).chain((lexemes) =>
  fc
    .constantFrom(...everyDocument(lexemes.bounds.length).slice(1))
    .map((levels) => ({ lexemes, threshold: bound(levels, lexemes) * (1 - 1e-9) })),
)

const precise = ({ bounds }: Lexemes): Lexemes => ({
  bounds,
  frequencies: bounds.map(() => [900_000, 800_000, 700_000, 600_000]),
})

const remaining = ({ bounds }: Lexemes) =>
  [...bounds, [0]].map((_, at) => bounds.slice(at).reduce((sum, levels) => sum + (levels[3] as number), 0))

/** The arguments that both functions begin with. */
const given = (lexemes: Lexemes) => sql`
  ${`{${lexemes.bounds.flatMap((_, at) => [0, 1, 2, 3].map((each) => term(at, each))).join(',')}}`}::text[],
  ${`{${lexemes.bounds.flat().join(',')}}`}::text::float8[],
  ${`{${remaining(lexemes).join(',')}}`}::text::float8[],
  ${`{${lexemes.frequencies.flat().join(',')}}`}::text::float8[], 1000000`

const documentList = (lexemes: Lexemes) => {
  const levels = everyDocument(lexemes.bounds.length)
  return { levels, vectors: JSON.stringify(levels.map(vector)) }
}

interface Outcome {
  /** Documents that can score more than the threshold, and are not found. */
  readonly missed: Levels[]
  /** Documents that cannot, and how many of them are not found. */
  readonly below: number
  readonly pruned: number
}

function outcome(lexemes: Lexemes, threshold: number, levels: Levels[], found: string): Outcome {
  const isFound = JSON.parse(found) as boolean[]
  const above = levels.map((document) => bound(document, lexemes) > threshold)
  return {
    missed: levels.filter((_, at) => above[at] && !isFound[at]),
    below: above.filter((isAbove) => !isAbove).length,
    pruned: above.filter((isAbove, at) => !isAbove && !isFound[at]).length,
  }
}

async function arms({ db }: TestDatabase, lexemes: Lexemes, threshold: number, asked = threshold) {
  const { levels, vectors } = documentList(lexemes)
  const [row] = await queryRows(
    db,
    sql`
      SELECT json_agg(COALESCE((SELECT bool_or(document.vector::tsvector @@ arm) FROM unnest(asked.arms) AS arm), false)
        ORDER BY document.place)::text AS found
      FROM (SELECT bm25_arms(${given(lexemes)}, ${asked}::float8) AS arms) AS asked,
        json_array_elements_text(${vectors}::text::json) WITH ORDINALITY AS document (vector, place)`,
  )
  return outcome(lexemes, threshold, levels, row?.found as string)
}

async function companions({ db }: TestDatabase, lexemes: Lexemes, need: number, depth: number, asked = need) {
  const { levels, vectors } = documentList(lexemes)
  const [row] = await queryRows(
    db,
    sql`
      SELECT json_agg(asked.condition IS NULL OR asked.condition <> '' AND document.vector::tsvector @@ asked.condition::tsquery
        ORDER BY document.place)::text AS found
      FROM (SELECT bm25_companions(${given(lexemes)}, 1, ${asked}::float8, 1000000, ${depth}::integer) AS condition) AS asked,
        json_array_elements_text(${vectors}::text::json) WITH ORDINALITY AS document (vector, place)`,
  )
  return outcome(lexemes, need, levels, row?.found as string)
}

describeOnEachBackend('the conditions of a threshold', (test) => {
  it('bm25_arms find every document that can score more, by however little', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ lexemes, threshold }) => {
        expect((await arms(test, lexemes, threshold)).missed).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('bm25_companions let every document pass that can add more, by however little', async () => {
    const depths = fc.integer({ min: 1, max: 4 })
    await fc.assert(
      fc.asyncProperty(cases, depths, async ({ lexemes, threshold }, depth) => {
        expect((await companions(test, lexemes, threshold, depth)).missed).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('are no wider than they must be: what is asked 2 % too strictly misses some', async () => {
    let [missedByArms, missedByCompanions, below, pruned] = [0, 0, 0, 0]
    for (const { lexemes, threshold } of fc.sample(cases, { numRuns: 30, seed: 7 })) {
      const exact = precise(lexemes)
      const byArms = await arms(test, exact, threshold)
      below += byArms.below
      pruned += byArms.pruned
      missedByArms += (await arms(test, exact, threshold, threshold * 1.02)).missed.length
      missedByCompanions += (await companions(test, exact, threshold, 4, threshold * 1.02)).missed.length
    }
    expect(missedByArms).toBeGreaterThan(15)
    expect(missedByCompanions).toBeGreaterThan(15)
    expect(pruned / below).toBeGreaterThan(0.6)
  })

  it('bm25_companions leave out what cannot be, and ask nothing where that spares nothing', async () => {
    const lexemes = precise({
      bounds: [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
      frequencies: [],
    })
    const condition = async (need: number, expected = 1e6, depth = 2) => {
      const [row] = await queryRows(
        test.db,
        sql`SELECT bm25_companions(${given(lexemes)}, 1, ${need}::float8, ${expected}::float8, ${depth}::integer) AS text`,
      )
      return row?.text
    }
    expect(await condition(8)).toBe('')
    expect(await condition(3.5)).toBe('a3|(a0&(b0))|b3')
    expect(await condition(-1)).toBeNull()
    expect(await condition(3.5, 30)).toBeNull()
    expect(await condition(3.5, 1e6, 0)).toBeNull()
  })
})
