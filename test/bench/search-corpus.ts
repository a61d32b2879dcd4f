import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { seededRandom } from '../../src/tuning/choose-fusion.ts'
import { zipfQuery, zipfRows } from '../support/zipf-corpus.ts'
import { wikiFolder } from './wiki-corpus.ts'

export interface SearchRow {
  readonly id: string
  readonly text: string
  readonly tags: string[]
}

export interface SearchCorpus {
  readonly name: 'wiki100k' | 'zipf'
  /** As many rows as are asked for, the same for the same number. */
  rows(count: number): Iterable<SearchRow>
  /** One to three words. */
  readonly short: string[]
  readonly questions: string[]
}

/** Shares of the rows, in percent, that have a tag of theirs. */
export const shares = [0.1, 5, 50] as const

export const shareTag = (percent: number) => `share-${percent}`

function shareTags(random: () => number): string[] {
  return shares.filter((percent) => random() < percent / 100).map(shareTag)
}

/** The Wikipedia sample where it is there, else made-up texts with Zipf's distribution of words. */
export async function searchCorpus(): Promise<SearchCorpus> {
  const folder = wikiFolder()
  if (folder === null) return zipfCorpus()
  const passages = await readTexts(`${folder}/passages.jsonl.gz`)
  const questions = readFileSync(`${folder}/questions.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    // A quoted title would be a phrase that must occur, which the rivals do not know.
    .map((line) => (JSON.parse(line) as { text: string }).text.replace(/"|(?<!\S)-/g, ' '))
  return {
    name: 'wiki100k',
    rows: (count) => recombined(passages, count),
    short: shortQueries(questions),
    questions,
  }
}

async function readTexts(path: string): Promise<string[]> {
  const lines = createInterface({ input: createReadStream(path).pipe(createGunzip()) })
  const texts: string[] = []
  for await (const line of lines) texts.push((JSON.parse(line) as { text: string }).text)
  return texts
}

/** One to three of a question's words. */
function shortQueries(questions: readonly string[]): string[] {
  const random = seededRandom(5)
  const asking =
    /^(what|who|how|why|when|where|which|did|does|do|the|a|an|of|in|is|was|were|are|to|for|on|by)$/i
  return questions.flatMap((question) => {
    const words = [...new Set(question.match(/[A-Za-z0-9]+/g) ?? [])].filter((word) => !asking.test(word))
    const wanted = 1 + Math.floor(random() * 3)
    const chosen: string[] = []
    while (chosen.length < wanted && words.length > 0) {
      chosen.push(...words.splice(Math.floor(random() * words.length), 1))
    }
    return chosen.length > 0 ? [chosen.join(' ')] : []
  })
}

/** Passages this near to one another are about the same, so their sentences have words in common. */
const neighbourhood = 40

/** The passages, then recombinations of the sentences of neighbours: words of one subject keep occurring together. */
function* recombined(passages: readonly string[], count: number): Generator<SearchRow> {
  const random = seededRandom(1)
  const sentences = passages.map((text) => text.match(/[^.!?]+[.!?]*\s*/g) ?? [text])
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T
  for (let row = 0; row < count; row++) {
    let text = passages[row]
    if (text === undefined) {
      const home = Math.floor(random() * passages.length)
      text = (sentences[home] as string[])
        .map(() =>
          pick(sentences[(home + Math.floor(random() * neighbourhood)) % passages.length] as string[]).trim(),
        )
        .join(' ')
    }
    yield { id: `doc-${row}`, text: text.slice(0, 60_000) || 'empty', tags: shareTags(random) }
  }
}

function zipfCorpus(): SearchCorpus {
  const vocabulary = 200_000
  const random = seededRandom(5)
  const queries = (words: () => number) =>
    Array.from({ length: 1000 }, () => zipfQuery(words(), random, vocabulary))
  return {
    name: 'zipf',
    *rows(count) {
      const tagRandom = seededRandom(1)
      for (let from = 0; from < count; from += 10_000) {
        const block = zipfRows(Math.min(10_000, count - from), { seed: from + 1, vocabulary })
        for (const [at, row] of block.entries()) {
          yield { id: `doc-${from + at}`, text: row.text, tags: shareTags(tagRandom) }
        }
      }
    },
    short: queries(() => 1 + Math.floor(random() * 3)),
    questions: queries(() => 3 + Math.floor(random() * 8)),
  }
}
