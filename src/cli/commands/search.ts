import type { Database } from '../../database/database.ts'
import { createMemory } from '../../memory/create-memory.ts'
import { type Bm25Result, bm25Search } from '../../search/bm25-search.ts'
import { explainSearch, type SearchExplanation } from '../../search/explain-search.ts'
import { highlight } from '../../search/highlight.ts'
import type { HybridResult } from '../../search/hybrid-search.ts'
import type { SearchFilter } from '../../search/search-filter.ts'
import { collected, type Define, given, jsonObject, wholeNumber } from '../command.ts'
import { withDatabase } from '../connection.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { embedderOf } from '../embedder-settings.ts'
import { counted, shortId } from '../format.ts'
import { tableLines } from '../table.ts'
import { markEnd, marked, markStart, onOneLine, styled } from '../terminal.ts'

interface SearchCommandOptions extends GlobalOptions {
  readonly limit: number
  readonly tag?: string[]
  readonly allTags?: true
  readonly namespace?: string
  readonly speaker?: string
  readonly since?: string
  readonly until?: string
  readonly metadata?: Record<string, unknown>
  readonly keyword?: true
  readonly operators?: true
  readonly explain?: true
}

type Found = Bm25Result | HybridResult

export const defineSearch: Define = (program, handler) => {
  program
    .command('search')
    .summary('find memories')
    .description(
      'Finds memories, the best first: by keyword, and by meaning as well where an embedder is configured.\n' +
        'Ask as you would a person. With --operators "a phrase" must occur and -word must not.',
    )
    .argument('<words...>', 'a question, or words')
    .option('-k, --limit <number>', 'results, 1 to 1000', wholeNumber('--limit', 1, 1000), 10)
    .option('-t, --tag <tag>', 'with any of these tags; may be repeated', collected)
    .option('--all-tags', 'with all of them')
    .option('-n, --namespace <name>', 'only in this namespace')
    .option('-s, --speaker <id>', 'only what this speaker said')
    .option('--since <time>', 'created at or after this time, ISO 8601')
    .option('--until <time>', 'created before this time')
    .option('-m, --metadata <json>', 'whose metadata contain this JSON', jsonObject('--metadata'))
    .option('--operators', 'read "phrases" and -exclusions')
    .option('--keyword', 'by keyword alone')
    .option('--explain', 'say what each word was worth')
    .addHelpText('after', '\nExample:\n  opa-db search window seat --namespace ana --explain')
    .action(
      handler<SearchCommandOptions, [string[]]>(async (context, options, words) => {
        const queryText = words.join(' ')
        await withDatabase(context, options, ({ db }) => search(db, context, options, queryText))
        return 0
      }),
    )
}

async function search(
  db: Database,
  context: Context,
  options: SearchCommandOptions,
  queryText: string,
): Promise<void> {
  const filter: SearchFilter = given({
    namespace: options.namespace,
    speakerId: options.speaker,
    allTags: options.allTags,
    since: options.since,
    until: options.until,
    metadata: options.metadata,
    operators: options.operators === true,
  })
  const asked = { queryText, queryTags: options.tag ?? [], k: options.limit, filter }
  const found = await find(db, context, options, asked)
  const shown = await Promise.all(found.map(({ text }) => withMarks(db, text, asked)))
  const explanation = options.explain ? await explainSearch(db, asked) : undefined
  if (options.json) {
    const results = found.map((result, at) => ({
      ...result,
      highlighted: shown[at]?.replaceAll(markStart, '<b>').replaceAll(markEnd, '</b>'),
    }))
    await context.out.json(explanation ? { results, explanation } : results)
    return
  }
  const corrected = Object.entries(found[0]?.corrections ?? {})
  if (corrected.length > 0) {
    const words = corrected.map(([typed, taken]) => onOneLine(`"${typed}" as "${taken}"`))
    await context.err.lines(`nobody wrote it like that: read ${words.join(', ')}`)
  }
  await context.out.lines(...resultLines(context, found, shown))
  if (explanation) await context.out.lines(...explanationLines(context, explanation))
  if (found.length === 0) await context.err.lines('nothing found')
}

async function find(
  db: Database,
  context: Context,
  options: SearchCommandOptions,
  asked: { queryText: string; queryTags: string[]; k: number; filter: SearchFilter },
): Promise<Found[]> {
  const embedder = options.keyword ? undefined : embedderOf(context.environment)
  if (embedder === undefined) return bm25Search(db, asked)
  const { queryText, queryTags, k, filter } = asked
  const { memories, embedError } = await createMemory(db, embedder).recall(queryText, {
    tags: queryTags,
    k,
    filter,
    signal: context.signal,
  })
  if (embedError) await context.err.lines(`opa-db: by keyword alone: ${embedError.message}`)
  return memories
}

/** The text on one line, with the words marked that the search matched. */
async function withMarks(
  db: Database,
  text: string,
  { queryText, filter }: { queryText: string; filter: SearchFilter },
): Promise<string> {
  const line = onOneLine(text)
  if (line === '') return line
  return highlight(db, { text: line, queryText, filter, startTag: markStart, stopTag: markEnd, maxWords: 40 })
}

function resultLines({ out }: Context, found: readonly Found[], shown: readonly string[]): string[] {
  if (found.length === 0) return []
  const isHybrid = found.some((result) => 'combinedScore' in result)
  const right = (title: string) => ({ title, align: 'right' }) as const
  const columns = isHybrid ? [right('score'), right('words'), right('meaning')] : [right('score')]
  const rows = found.map((result, at) => {
    const scores =
      'combinedScore' in result
        ? [
            result.combinedScore.toFixed(3),
            result.bm25Score.toFixed(2),
            result.vectorScore?.toFixed(2) ?? '–',
          ]
        : [result.score.toFixed(2)]
    return { cells: [...scores, shortId(result.id), shown[at] ?? ''] }
  })
  return tableLines(out.terminal, [...columns, 'id', 'memory'], rows)
}

function explanationLines({ out }: Context, explanation: SearchExplanation): string[] {
  const { lexemes, results, documents, path, rounds } = explanation
  const right = (title: string) => ({ title, align: 'right' }) as const
  const read = rounds.reduce((sum, round) => sum + round.candidates, 0)
  const words = tableLines(
    out.terminal,
    [right('in memories'), right('worth (idf)'), 'word'],
    lexemes.map(({ lexeme, documentFrequency, idf }) => ({
      cells: [String(documentFrequency), idf.toFixed(2), onOneLine(lexeme)],
    })),
  )
  const parts = results.map((result) => ({
    cells: [
      result.score.toFixed(2),
      shortId(result.id),
      result.lexemes
        .map(({ lexeme, contribution, tf }) => {
          const times = tf > 1 ? ` (${tf} times)` : ''
          return `${onOneLine(lexeme)} ${contribution.toFixed(2)}${times}`
        })
        .join(' + '),
    ],
  }))
  return [
    '',
    styled(
      out.terminal,
      'bold',
      `How the words were ranked, in ${counted(documents, 'memory', 'memories')} (${path}, ${read} read)`,
    ),
    ...words,
    ...(parts.length > 0 ? ['', ...tableLines(out.terminal, [right('score'), 'id', 'of which'], parts)] : []),
  ].map((line) => marked(out.terminal, line))
}
