import { seededRandom } from '../../src/tuning/choose-fusion.ts'

export interface ZipfRow {
  readonly id: string
  readonly namespace?: string
  readonly text: string
  readonly tags: string[]
}

const syllables = 'ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zu'.split(' ')

/** The word of a rank, the commonest first: pronounceable, so that it can be misspelt, and without a digit. */
export function zipfWord(rank: number): string {
  let word = ''
  for (let rest = rank + 20; rest > 0; rest = Math.floor(rest / 20)) word += syllables[rest % 20]
  return `${word}x`
}

/**
 * Texts whose words are as unevenly common as in real ones (Zipf), in which some words come in bursts, of very different
 * lengths, with tags that known shares of the rows have. The same seed makes the same rows.
 */
export function zipfRows(rows: number, { seed = 1, vocabulary = 3000 } = {}): ZipfRow[] {
  const random = seededRandom(seed)
  const rank = () => Math.floor((vocabulary + 1) ** random()) - 1
  return Array.from({ length: rows }, (_, at) => {
    const length = 1 + Math.floor(120 * random() ** 3)
    const words: string[] = []
    while (words.length < length) {
      const word = zipfWord(rank())
      const times = random() < 0.1 ? 1 + Math.floor(6 * random()) : 1
      for (let time = 0; time < times; time++) words.push(word)
    }
    const tags = ['p50', 'p5', 'p01'].filter((_, which) => random() < ([0.5, 0.05, 0.001][which] as number))
    return { id: `z${at}`, text: words.join(' '), tags }
  })
}

/** A query of so many words, common and rare ones. */
export function zipfQuery(words: number, random: () => number, vocabulary = 3000): string {
  return Array.from({ length: words }, () => zipfWord(Math.floor((vocabulary + 1) ** random()) - 1)).join(' ')
}
