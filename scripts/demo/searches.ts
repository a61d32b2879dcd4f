import { type Row, tableLines } from '../../src/cli/table.ts'
import { styled, type Terminal } from '../../src/cli/terminal.ts'
import { bm25Search, type Database, hybridSearch, vectorSearch } from '../../src/index.ts'
import { type DemoQuestion, demoNamespace } from './fixture.ts'

export interface Finding {
  readonly id: string
  readonly text: string
  readonly score: number
}

/** What each search finds for one question, best first. */
export interface Findings {
  readonly keyword: readonly Finding[]
  readonly vector: readonly Finding[]
  readonly hybrid: readonly Finding[]
}

const methods = ['keyword', 'vector', 'hybrid'] as const

/** A question counts as answered when an answer is among this many. */
export const answeredWithin = 3

/** Results asked for: more than count, so that the tables can say where an answer came that missed the top. */
const k = 10

const filter = { namespace: demoNamespace }

const indent = '  '

/** Asks all three searches, with the defaults of hybridSearch: both legs weigh the same, convex fusion. */
export async function ask(db: Database, question: DemoQuestion): Promise<Findings> {
  const { text: queryText, embedding: queryEmbedding } = question
  const hybrid = await hybridSearch(db, { queryText, queryEmbedding, k, filter })
  const vector = await vectorSearch(db, { queryEmbedding, k, filter })
  return {
    keyword: await askByKeyword(db, queryText),
    vector: vector.map(({ id, text, similarity }) => ({ id, text, score: similarity })),
    hybrid: hybrid.map(({ id, text, combinedScore }) => ({ id, text, score: combinedScore })),
  }
}

export async function askByKeyword(db: Database, queryText: string): Promise<Finding[]> {
  return bm25Search(db, { queryText, k, filter })
}

/** The place of the best answer, from 1; undefined when none was found. */
export function rankOfAnswer(findings: readonly Finding[], answers: readonly string[]): number | undefined {
  const at = findings.findIndex(({ id }) => answers.includes(id))
  return at < 0 ? undefined : at + 1
}

/** The memories that any search has at the top, one a row, with their place and score in each search. */
export function comparisonLines(terminal: Terminal, question: DemoQuestion, findings: Findings): string[] {
  const top = new Map(
    [findings.hybrid, findings.keyword, findings.vector]
      .flatMap((found) => found.slice(0, answeredWithin))
      .map(({ id, text }) => [id, text]),
  )
  const rows = [...top].map(([id, text]): Row => {
    const isAnswer = question.answers.includes(id)
    const places = methods.map((method) => placeOf(id, findings[method]))
    return { cells: [isAnswer ? '✓' : ' ', ...places, text], style: isAnswer ? 'green' : undefined }
  })
  return [
    styled(terminal, 'bold', question.text),
    ...tableLines(terminal, [' ', ...methods, 'memory'], rows, { indent }),
  ]
}

/** What the keyword search found, for a question without a vector. */
export function keywordLines(terminal: Terminal, findings: readonly Finding[]): string[] {
  const rows = findings.map(({ id, text }): Row => ({ cells: [placeOf(id, findings), text] }))
  return tableLines(terminal, ['keyword', 'memory'], rows, { indent })
}

/** Where the best answer to each question came in each search, and how many each search answered. */
export function scoreboardLines(
  terminal: Terminal,
  asked: readonly { question: DemoQuestion; findings: Findings }[],
): string[] {
  const ranks = asked.map(({ question, findings }) =>
    methods.map((method) => rankOfAnswer(findings[method], question.answers)),
  )
  const rows = asked.map(({ question }, at): Row => {
    const places = (ranks[at] ?? []).map((rank) => rank?.toString().padStart(4) ?? '   –')
    return { cells: [...places, question.text] }
  })
  const totals = methods.map((_, column) => {
    const count = ranks.filter(
      (places) => (places[column] ?? Number.POSITIVE_INFINITY) <= answeredWithin,
    ).length
    return `${count}`.padStart(4)
  })
  return tableLines(
    terminal,
    [...methods, 'question'],
    [
      ...rows,
      { cells: [...totals, `of ${asked.length} answered in the top ${answeredWithin}`], style: 'bold' },
    ],
    { indent },
  )
}

function placeOf(id: string, findings: readonly Finding[]): string {
  const at = findings.findIndex((finding) => finding.id === id)
  const found = findings[at]
  return found === undefined ? ' –' : `${`${at + 1}`.padStart(2)}  ${found.score.toFixed(2)}`
}
