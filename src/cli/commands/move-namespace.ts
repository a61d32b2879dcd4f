import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from '../../database/connect.ts'
import { describeLocation, resolveLocation } from '../../database/location.ts'
import type { Define } from '../command.ts'
import { confirmed } from '../confirm.ts'
import { locationOf, withDatabase } from '../connection.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { CommandError, UsageError } from '../exit.ts'
import { counted, duration } from '../format.ts'
import { countNamespace } from '../move/changed-rows.ts'
import { moveNamespace } from '../move/move-namespace.ts'
import { Progress } from '../progress.ts'

interface MoveCommandOptions {
  readonly to: string
  readonly toSchema?: string
  readonly switch?: string
  readonly keep?: true
  readonly yes?: true
}

export const defineMoveNamespace: Define = (program, handler) => {
  program
    .command('move-namespace')
    .summary('move a namespace to another server while it is used')
    .description(
      'Copies a namespace to another server, catches up with what changes meanwhile, refuses its writes for the last\n' +
        'moment, compares both sides, switches, and deletes it from the first. There the refusal stays, so that a client\n' +
        'that has not heard of the switch is told. Memories move; jobs do not.',
    )
    .argument('<namespace>', 'which')
    .requiredOption('--to <url>', 'the other server; it must be migrated')
    .option('--to-schema <name>', 'the schema of the installation there')
    .option(
      '--switch <command>',
      'a shell command that makes the service use the other server; without success nothing is switched',
    )
    .option('--keep', 'leave the rows where they were, unchangeable')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExample:\n  opa-db move-namespace ana --url postgres://one/db --to postgres://two/db --switch ./use-two.sh',
    )
    .action(handler<MoveCommandOptions, [string]>(runMove))
}

async function runMove(
  context: Context,
  options: MoveCommandOptions & GlobalOptions,
  namespace: string,
): Promise<number> {
  const from = locationOf(context, options)
  if (from.kind !== 'server') throw new UsageError('from an embedded database: opa-db export | opa-db import')
  const to = resolveLocation({ DATABASE_URL: options.to, OPA_SCHEMA: options.toSchema })
  return withDatabase(
    context,
    options,
    async ({ db: source }) => {
      const rows = await countNamespace(source, namespace)
      if (rows === 0)
        throw new CommandError(`the namespace "${namespace}" has no memories in ${describeLocation(from)}`)
      const question = `Move ${counted(rows, 'memory', 'memories')} of "${namespace}" from ${describeLocation(from)} to ${describeLocation(to)}?`
      if (!options.yes && !(await confirmed(context, question))) {
        await context.err.lines('nothing was moved')
        return 1
      }
      const other = await connect(to, { maxConnections: 3 })
      const progress = new Progress(context, options, 'memories')
      try {
        const result = await moveNamespace({
          source,
          target: other.db,
          namespace,
          keeps: options.keep === true,
          signal: context.signal,
          onProgress: (copied) => progress.update(copied, copied / Math.max(rows, copied)),
          onStep: async (step) => {
            progress.end()
            if (!options.quiet) await context.err.lines(step)
          },
          onSwitch: () => runSwitch(options.switch, namespace, context),
        })
        progress.end()
        if (options.json) await context.out.json(result)
        else {
          await context.out.lines(
            `moved ${counted(result.moved, 'memory', 'memories')}, ${counted(result.caughtUp, 'row')} of them copied again; writes were refused for ${duration(result.stoppedSeconds)}`,
          )
        }
        return 0
      } finally {
        progress.end()
        await other.close()
      }
    },
    { stopsItself: true, maxConnections: 3 },
  )
}

/** Its output is a message of this command, and not its result. */
async function runSwitch(
  command: string | undefined,
  namespace: string,
  { environment }: Context,
): Promise<void> {
  if (command === undefined) return
  const child = spawn(command, {
    shell: true,
    stdio: ['ignore', 2, 2],
    env: { ...environment, OPA_NAMESPACE: namespace },
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new CommandError(`the command of --switch ended with ${code}: nothing was switched`)
}
