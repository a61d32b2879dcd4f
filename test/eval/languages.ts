import { existsSync } from 'node:fs'
import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import { bm25Search, ndcgAt, rememberMany } from '../../src/index.ts'
import { mean } from '../../src/tuning/metrics.ts'
import { type Document, readJudged } from './collections.ts'
import type { Progress } from './evaluate.ts'

/**
 * Question collections in other languages, each with the nDCG@10 that keyword search must reach when neither the texts'
 * nor the questions' language is given.
 */
export const languageTargets = {
  'xquad-zh': 0.95,
  'drcd-zht': 0.96,
  'xquad-ru': 0.95,
  'xquad-es': 0.95,
  'xquad-de': 0.935,
  'xquad-ar': 0.92,
  'xquad-th': 0.93,
} as const
export type LanguageName = keyof typeof languageTargets
export const languageNames = Object.keys(languageTargets) as LanguageName[]

/** How much a collection may lose where one database holds all of them. */
export const allowedLoss = 0.01

export interface LanguageScore {
  readonly name: LanguageName
  readonly target: number
  /** The collection in a database of its own. */
  readonly alone: number
  /** The same questions to a database that holds every collection. */
  readonly together: number
}

export function hasLanguage(directory: string, name: LanguageName): boolean {
  return existsSync(`${directory}/languages/${name}/corpus.jsonl`)
}

/** Fills an empty database with each collection, then with all of them, and asks every question as it is written. */
export async function evaluateLanguages(
  db: Database,
  directory: string,
  names: readonly LanguageName[],
  progress: Progress = () => {},
): Promise<LanguageScore[]> {
  const collections = names.map((name) => ({ name, ...readJudged(`${directory}/languages/${name}`) }))
  const named = (name: string, documents: readonly Document[]) =>
    documents.map(({ id, text }) => ({ id: `${name} ${id}`, text }))
  const ask = async ({ name, queries }: (typeof collections)[number], step: string) => {
    const scores: number[] = []
    for (const { text, judgements } of queries) {
      const rows = await bm25Search(db, { queryText: text, k: 10, filter: { operators: false } })
      const ids = rows.map((row) => (row.id.startsWith(`${name} `) ? row.id.slice(name.length + 1) : row.id))
      scores.push(ndcgAt(ids, judgements, 10))
      progress(`${name} ${step}`, scores.length, queries.length)
    }
    return mean(scores)
  }
  const alone: number[] = []
  for (const collection of collections) {
    await load(db, named(collection.name, collection.documents))
    alone.push(await ask(collection, 'alone'))
  }
  await load(
    db,
    collections.flatMap(({ name, documents }) => named(name, documents)),
  )
  const results: LanguageScore[] = []
  for (const [at, collection] of collections.entries()) {
    results.push({
      name: collection.name,
      target: languageTargets[collection.name],
      alone: alone[at] ?? Number.NaN,
      together: await ask(collection, 'together'),
    })
  }
  return results
}

/** What a collection misses: nothing for one that reaches its target and loses no more than `allowedLoss`. */
export function shortfall({ target, alone, together }: LanguageScore): string | undefined {
  if (!(alone >= target)) return `nDCG@10 is ${alone.toFixed(4)}, below ${target}`
  if (!(together >= alone - allowedLoss))
    return `nDCG@10 falls from ${alone.toFixed(4)} to ${together.toFixed(4)} where one database holds all languages`
  return undefined
}

async function load(db: Database, items: { id: string; text: string }[]): Promise<void> {
  await db.execute(sql`DELETE FROM memory_items`)
  await rememberMany(db, { items })
  await db.execute(sql`ANALYZE memory_items`)
}
