import { existsSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { bm25Search, rememberMany, type SearchFilter } from '../../src/index.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { clearMemories } from '../support/fixtures.ts'
import { dataDirectory } from './collections.ts'

interface WordCase {
  readonly kind: string
  readonly texts: Readonly<Record<string, string>>
  readonly query: string
  readonly filter?: SearchFilter
  /** The id that must come first. */
  readonly first: string
}

const file = `${dataDirectory()}/words/cases.jsonl`

if (!existsSync(file)) {
  describe('small cases of words', () => {
    it.skip(`are not at ${file}: set EVAL_DATA_DIR`, () => {})
  })
} else {
  const cases = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as WordCase)
  describeOnEachBackend('small cases of words', (test) => {
    afterEach(() => clearMemories(test.db))

    it.each(cases)('$kind: $query', async ({ kind, texts, query, filter, first }) => {
      await rememberMany(test.db, { items: Object.entries(texts).map(([id, text]) => ({ id, text })) })
      const operators = kind === 'prose' ? { operators: false } : {}
      const results = await bm25Search(test.db, { queryText: query, filter: { ...operators, ...filter } })
      expect(results[0]?.id).toBe(first)
    })
  })
}
