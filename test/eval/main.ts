/**
 * `npm run eval`: how well the searches answer the judged queries of classic test collections, beside the scores of an
 * independent program, and questions in other languages. Exits with 1 if bm25_search does not reach the reference, or a
 * language its target.
 *
 * EVAL_DATA_DIR: where the collections are. DATABASE_URL: a server to try it on, in databases of their own that are
 * dropped afterwards; without it, an embedded database in memory. Arguments: names of collections (or `languages`), all by default.
 */
import { randomBytes } from 'node:crypto'
import { SingleBar } from 'cli-progress'
import { type Connection, connect, migrate } from '../../src/index.ts'
import { databaseUrl, withAdmin } from '../support/server-setup.ts'
import {
  type Collection,
  collectionNames,
  dataDirectory,
  hasCollection,
  readCollection,
} from './collections.ts'
import {
  allowedDifference,
  differenceFromReference,
  evaluateCollection,
  type MethodScores,
  type Progress,
} from './evaluate.ts'
import { evaluateLanguages, hasLanguage, type LanguageScore, languageNames, shortfall } from './languages.ts'

const directory = dataDirectory()
const asked = collectionNames.filter((name) => process.argv.length < 3 || process.argv.includes(name))
const present = asked.filter((name) => hasCollection(directory, name))
const missing = asked.filter((name) => !present.includes(name))
if (missing.length > 0) {
  console.log(`Not there, so left out: ${missing.join(', ')} in ${directory} (EVAL_DATA_DIR says where else)`)
}

let failures = 0
for (const name of present) {
  const collection = readCollection(directory, name)
  const results = await withFreshDatabase((db) =>
    withProgress(name, (progress) => evaluateCollection(db, collection, progress)),
  )
  printTable(collection, results)
  const difference = differenceFromReference(collection, results)
  if (!(Math.abs(difference) <= allowedDifference)) {
    failures += 1
    console.error(
      `${name}: the nDCG@10 of bm25 is ${signed(difference)} from the reference, more than ${allowedDifference}\n`,
    )
  }
}
const languages = languageNames.filter((name) => hasLanguage(directory, name))
if (languages.length > 0 && (process.argv.length < 3 || process.argv.includes('languages'))) {
  const scores = await withFreshDatabase((db) =>
    withProgress('languages', (progress) => evaluateLanguages(db, directory, languages, progress)),
  )
  failures += printLanguages(scores)
}
process.exitCode = failures === 0 ? 0 : 1

async function withFreshDatabase<T>(work: (db: Connection['db']) => Promise<T>): Promise<T> {
  const url = process.env.DATABASE_URL
  if (!url) return withConnection(await connect({ kind: 'embedded', dataDir: 'memory://' }), work)
  const name = `opa_eval_${randomBytes(6).toString('hex')}`
  await withAdmin(url, (admin) => admin.unsafe(`CREATE DATABASE ${name}`))
  try {
    return await withConnection(await connect({ kind: 'server', url: databaseUrl(url, name) }), work)
  } finally {
    await withAdmin(url, (admin) => admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  }
}

async function withConnection<T>(
  connection: Connection,
  work: (db: Connection['db']) => Promise<T>,
): Promise<T> {
  try {
    await migrate(connection.db)
    return await work(connection.db)
  } finally {
    await connection.close()
  }
}

async function withProgress<T>(name: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const bar = new SingleBar({
    format: `${name} {bar} {value}/{total} {step}`,
    hideCursor: true,
    clearOnComplete: true,
  })
  let current = ''
  bar.start(1, 0, { step: '' })
  try {
    return await work((step, done, total) => {
      // Where no terminal shows the bar, a line for each step.
      if (step !== current && !process.stderr.isTTY) console.error(`${name}: ${step}`)
      current = step
      bar.setTotal(total)
      bar.update(done, { step })
    })
  } finally {
    bar.stop()
  }
}

function printTable(
  { name, documents, queries, reference }: Collection,
  results: readonly MethodScores[],
): void {
  const line = (method: string, ...cells: string[]) =>
    console.log(method.padEnd(18) + cells.map((cell) => cell.padStart(11)).join(''))
  console.log(`${name}: ${documents.length} documents, ${queries.length} judged queries`)
  line('method', 'nDCG@10', 'reference', 'difference', 'recall@100', 'reference', 'MRR@10', 'reference')
  for (const { method, ndcg10, recall100, mrr10 } of results) {
    const other = reference[method]
    line(
      method,
      ndcg10.toFixed(4),
      figure(other?.ndcg10),
      other?.ndcg10 === undefined ? '' : signed(ndcg10 - other.ndcg10),
      recall100.toFixed(4),
      figure(other?.r100),
      mrr10.toFixed(4),
      figure(other?.mrr10),
    )
  }
  console.log()
}

/** @returns how many collections miss what they must reach. */
function printLanguages(scores: readonly LanguageScore[]): number {
  console.log('nDCG@10 of questions whose language is not given')
  console.log(
    `${'collection'.padEnd(18)}${['target', 'alone', 'all in one'].map((cell) => cell.padStart(11)).join('')}`,
  )
  for (const { name, target, alone, together } of scores) {
    console.log(
      name.padEnd(18) + [target, alone, together].map((value) => value.toFixed(4).padStart(11)).join(''),
    )
  }
  const missed = scores.flatMap((score) => {
    const short = shortfall(score)
    return short === undefined ? [] : [`${score.name}: ${short}`]
  })
  for (const line of missed) console.error(line)
  return missed.length
}

function figure(value: number | undefined): string {
  return value === undefined ? '' : value.toFixed(4)
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(4)}`
}
