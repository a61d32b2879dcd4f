import type { SearchRow } from './search-corpus.ts'

/** SQLite's full-text search over the same texts, in memory, by its own BM25 and Porter's stemmer. */
export interface Fts5 {
  add(rows: readonly Pick<SearchRow, 'id' | 'text'>[]): void
  search(text: string, k: number): unknown[]
}

interface Statement {
  run(...values: unknown[]): unknown
  all(...values: unknown[]): unknown[]
}

interface SqliteModule {
  readonly DatabaseSync: new (file: string) => { exec(text: string): void; prepare(text: string): Statement }
}

/** Null where this Node has no SQLite: it came with 22.5. */
export async function openFts5(): Promise<Fts5 | null> {
  const name = 'node:sqlite'
  const module = await (import(name) as Promise<SqliteModule>).catch(() => null)
  if (module === null) {
    console.log(`SQLite FTS5 is left out: Node ${process.version} has no SQLite, 22.5 and newer have`)
    return null
  }
  const database = new module.DatabaseSync(':memory:')
  database.exec("CREATE VIRTUAL TABLE memories USING fts5 (id UNINDEXED, text, tokenize = 'porter')")
  const insert = database.prepare('INSERT INTO memories (id, text) VALUES (?, ?)')
  const find = database.prepare(
    'SELECT id, text, bm25(memories) AS score FROM memories WHERE memories MATCH ? ORDER BY rank LIMIT ?',
  )
  return {
    add(rows) {
      database.exec('BEGIN')
      for (const { id, text } of rows) insert.run(id, text)
      database.exec('COMMIT')
    },
    search(text, k) {
      const words = text.match(/[\p{L}\p{N}]+/gu)?.filter((word) => !stopWords.has(word.toLowerCase())) ?? []
      return words.length === 0 ? [] : find.all(words.map((word) => `"${word}"`).join(' OR '), k)
    },
  }
}

/** PostgreSQL's English stop words do not count there, so they must not here. */
const stopWords = new Set(
  `i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its
  itself they them their theirs themselves what which who whom this that these those am is are was were be been being have
  has had having do does did doing a an the and but if or because as until while of at by for with about against between
  into through during before after above below to from up down in out on off over under again further then once here there
  when where why how all any both each few more most other some such no nor not only own same so than too very s t can will
  just don should now`.split(/\s+/),
)
