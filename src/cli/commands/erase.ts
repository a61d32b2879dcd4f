import { erase } from '../../memory/erase.ts'
import type { MemoryScope } from '../../memory/scope.ts'
import { type Define, given } from '../command.ts'
import { confirmed } from '../confirm.ts'
import { withDatabase } from '../connection.ts'
import { UsageError } from '../exit.ts'
import { counted } from '../format.ts'
import { Progress } from '../progress.ts'

interface EraseCommandOptions {
  readonly namespace?: string
  readonly namespaceUnder?: string
  readonly speaker?: string
  readonly dryRun?: true
  readonly yes?: true
}

export const defineErase: Define = (program, handler) => {
  program
    .command('erase')
    .summary('delete all of a namespace or speaker, without a trace')
    .description(
      'Erases memories with their history and the traces of their words in the search statistics: expired and superseded\n' +
        'ones too. Says how many there are and asks before. Jobs are left as they are, with what their inputs say.',
    )
    .option('-n, --namespace <name>', 'of this namespace')
    .option('--namespace-under <path>', 'of this namespace and those below it (team/ana below team)')
    .option('-s, --speaker <id>', 'what this speaker said')
    .option('--dry-run', 'only say how many')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nPostgreSQL keeps deleted rows in its files until VACUUM has come by, and in its log and backups for as long as you keep those.',
    )
    .action(
      handler<EraseCommandOptions>(async (context, options) => {
        const scope: MemoryScope = given({
          namespace: options.namespace,
          namespaceUnder: options.namespaceUnder,
          speakerId: options.speaker,
        })
        if (Object.keys(scope).length === 0) {
          throw new UsageError('erase what? Give --namespace, --namespace-under or --speaker')
        }
        return withDatabase(
          context,
          options,
          async ({ db }) => {
            const found = await erase(db, { ...scope, dryRun: true })
            const what = `${counted(found.memories, 'memory', 'memories')} and ${counted(found.historyEntries, 'entry', 'entries')} of history`
            if (options.dryRun) {
              if (options.json) await context.out.json(found)
              else await context.out.lines(`would erase ${what}`)
              return 0
            }
            if (!options.yes && !(await confirmed(context, `Erase ${what}? This cannot be undone.`))) {
              await context.err.lines('nothing was erased')
              return 1
            }
            const progress = new Progress(context, options, 'memories')
            const result = await erase(db, {
              ...scope,
              signal: context.signal,
              onProgress: (done, total) => progress.update(done, done / Math.max(1, total)),
            }).finally(() => progress.end())
            if (options.json) await context.out.json(result)
            else {
              await context.out.lines(
                `erased ${counted(result.memories, 'memory', 'memories')} and ${counted(result.historyEntries, 'entry', 'entries')} of history`,
              )
            }
            context.signal.throwIfAborted()
            await context.err.lines(
              'jobs were left as they are: look for names in their inputs with opa-db jobs list',
            )
            if (result.statisticsCleared) return 0
            await context.err.lines(
              'the words are still in the search statistics: a transaction holds them. Run it again',
            )
            return 1
          },
          { stopsItself: true },
        )
      }),
    )
}
