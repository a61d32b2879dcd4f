import { collected, type Define, given } from '../command.ts'
import { withDatabase } from '../connection.ts'
import { Progress } from '../progress.ts'
import { countRows, exportRows } from '../transfer/export-rows.ts'

interface ExportCommandOptions {
  readonly namespace?: string
  readonly speaker?: string
  readonly tag?: string[]
  readonly since?: string
  readonly until?: string
  readonly embeddings: boolean
  readonly expired: boolean
}

export const defineExport: Define = (program, handler) => {
  program
    .command('export')
    .summary('memories as JSON lines')
    .description(
      'Writes memories as JSON lines, whole and as of one moment; `opa-db import` makes the same rows of them. Jobs are not exported.',
    )
    .option('-n, --namespace <name>', 'only this namespace')
    .option('-s, --speaker <id>', 'only what this speaker said')
    .option('-t, --tag <tag>', 'with any of these tags; may be repeated', collected)
    .option('--since <time>', 'created at or after this time, ISO 8601')
    .option('--until <time>', 'created before this time')
    .option('--no-embeddings', 'without vectors, which are most of the size')
    .option('--no-expired', 'without what has expired')
    .addHelpText('after', '\nExample:\n  opa-db export --namespace ana > ana.jsonl')
    .action(
      handler<ExportCommandOptions>(async (context, options) => {
        const selection = given({
          namespace: options.namespace,
          speakerId: options.speaker,
          tags: options.tag,
          since: options.since,
          until: options.until,
          embeddings: options.embeddings,
          expired: options.expired,
        })
        await withDatabase(
          context,
          options,
          async ({ db }) => {
            const isSeen = context.err.terminal.isInteractive && !options.quiet
            const total = isSeen ? await countRows(db, selection) : undefined
            const progress = new Progress(context, options, 'memories')
            let exported = 0
            try {
              await exportRows(db, selection, async (lines) => {
                context.signal.throwIfAborted()
                await context.out.lines(...lines)
                exported += lines.length
                progress.update(exported, total === undefined ? undefined : exported / Math.max(1, total))
              })
            } finally {
              progress.end()
            }
          },
          { stopsItself: true },
        )
        return 0
      }),
    )
}
