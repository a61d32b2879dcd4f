import { Command, CommanderError } from 'commander'
import { OpaError } from '../errors.ts'
import type { Handler, Work } from './command.ts'
import { defineDatabaseCommands } from './commands/database.ts'
import { defineJobsCommands } from './commands/jobs/index.ts'
import { defineMemoryCommands } from './commands/memories.ts'
import type { Context, GlobalOptions } from './context.ts'
import { exitCodeOf, exitCodes, Interrupted, OutputClosed } from './exit.ts'
import { helpText } from './help.ts'
import { version } from './version.ts'

/**
 * Runs a command and says how it went: 0 done, 1 something is wrong, 2 wrong use, 130 after Ctrl-C.
 *
 * @param words what the user typed after `opa-db`.
 */
export async function runCli(words: readonly string[], context: Context): Promise<number> {
  let exitCode: number = exitCodes.ok
  const handler: Handler =
    <Options, Arguments extends unknown[]>(work: Work<Options, Arguments>) =>
    async (...commanderGives) => {
      // Commander gives the arguments, the command's own options, and the command.
      const command = commanderGives.at(-1) as Command
      const options = command.optsWithGlobals<Options & GlobalOptions>()
      const result = await work(context, options, ...(commanderGives.slice(0, -2) as Arguments))
      exitCode = result ?? exitCodes.ok
    }
  const program = createProgram(context, handler)
  try {
    if (words.length === 0) await context.out.write(helpText)
    else await program.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    await report(error, context, words.includes('--verbose')).catch(() => {})
    return exitCodeOf(error)
  }
}

function createProgram(context: Context, handler: Handler): Command {
  const program = new Command('opa-db')
    .version(version, '-V, --version', 'print the version')
    .option('--url <url>', 'a server: postgres://…')
    .option('--data-dir <folder>', 'an embedded database in this folder')
    .option('--schema <name>', 'the schema of the installation')
    .option('--json', 'print JSON')
    .option('--verbose', 'print whole errors')
    .option('--quiet', 'print no progress')
    .configureOutput({
      writeOut: (text) => void context.out.write(text).catch(() => {}),
      writeErr: (text) => void context.err.write(text).catch(() => {}),
      outputError: () => {},
    })
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .helpCommand('help [command]', 'say more about a command')
  program.helpInformation = () => helpText
  defineMemoryCommands(program, handler)
  defineJobsCommands(program, handler)
  defineDatabaseCommands(program, handler)
  return program
}

/** What a user can mend is told in a sentence; anything else with its stack. */
async function report(error: unknown, { err }: Context, isVerbose: boolean): Promise<void> {
  if (error instanceof OutputClosed) return
  if (error instanceof Interrupted) return err.lines('opa-db: stopped')
  if (error instanceof CommanderError) {
    // Help and version are no errors, and have been printed.
    if (error.exitCode === 0 || error.code === 'commander.help') return
    return err.lines(`opa-db: ${error.message.replace(/^error: /, '')}`, 'See: opa-db help')
  }
  if (isVerbose || !(error instanceof OpaError)) {
    return err.lines(`opa-db: ${error instanceof Error ? withCauses(error) : String(error)}`)
  }
  return err.lines(`opa-db: ${error.message}`)
}

function withCauses(error: Error): string {
  const own = error.stack ?? String(error)
  return error.cause instanceof Error ? `${own}\ncaused by: ${withCauses(error.cause)}` : own
}
