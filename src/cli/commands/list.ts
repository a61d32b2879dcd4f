import type { Memory } from '../../memory/get-memory.ts'
import { listMemories } from '../../memory/list-memories.ts'
import { collected, type Define, given, wholeNumber } from '../command.ts'
import { withDatabase } from '../connection.ts'
import { shortId, time } from '../format.ts'
import { tableLines } from '../table.ts'
import { onOneLine, type Terminal } from '../terminal.ts'

interface ListOptions {
  readonly limit: number
  readonly after?: string
  readonly tag?: string[]
  readonly namespace?: string
  readonly speaker?: string
  readonly expired?: true
}

export const defineList: Define = (program, handler) => {
  program
    .command('list')
    .summary('the newest memories')
    .description('Lists memories, the newest first. `opa-db export` gives all of them.')
    .option('-k, --limit <number>', 'memories, 1 to 1000', wholeNumber('--limit', 1, 1000), 20)
    .option('--after <page>', 'the next page: what the page before says at its end')
    .option('-t, --tag <tag>', 'with any of these tags; may be repeated', collected)
    .option('-n, --namespace <name>', 'only in this namespace')
    .option('-s, --speaker <id>', 'only what this speaker said')
    .option('--expired', 'expired ones too')
    .action(
      handler<ListOptions>(async (context, options) => {
        const { items, next } = await withDatabase(context, options, ({ db }) =>
          listMemories(
            db,
            given({
              limit: options.limit,
              after: options.after,
              tags: options.tag,
              namespace: options.namespace,
              speakerId: options.speaker,
              includeExpired: options.expired,
            }),
          ),
        )
        if (options.json) {
          await context.out.json({ items, next })
          return 0
        }
        await context.out.lines(...listLines(context.out.terminal, items))
        if (items.length === 0) await context.err.lines('nothing is remembered here')
        if (next !== null) await context.err.lines(`more: opa-db list --after ${next}`)
        return 0
      }),
    )
}

function listLines(terminal: Terminal, items: readonly Memory[]): string[] {
  if (items.length === 0) return []
  // A column is shown where it tells one memory from another.
  const hasNamespaces = new Set(items.map(({ namespace }) => namespace)).size > 1
  const hasTags = items.some(({ tags }) => tags.length > 0)
  const rows = items.map(({ id, createdAt, namespace, tags, text }) => ({
    cells: [
      shortId(id),
      time(createdAt),
      ...(hasNamespaces ? [onOneLine(namespace)] : []),
      ...(hasTags ? [onOneLine(tags.join(', '))] : []),
      onOneLine(text),
    ],
  }))
  const columns = [
    'id',
    'created',
    ...(hasNamespaces ? ['namespace'] : []),
    ...(hasTags ? ['tags'] : []),
    'memory',
  ]
  return tableLines(terminal, columns, rows)
}
