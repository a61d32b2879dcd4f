import { createInterface } from 'node:readline/promises'
import type { Context } from './context.ts'
import { UsageError } from './exit.ts'

/**
 * Asks before something that cannot be undone.
 *
 * @throws UsageError if nobody is there to answer.
 */
export async function confirmed(context: Context, question: string): Promise<boolean> {
  if (!context.stdin.isTTY) {
    throw new UsageError(`nobody is there to answer: "${question}". Repeat with --yes if you mean it`)
  }
  const terminal = createInterface({ input: context.stdin, output: process.stderr })
  // While it reads a line the terminal sends Ctrl-C as a key and not as a signal.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: context.signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    throw context.signal.aborted ? context.signal.reason : error
  } finally {
    terminal.close()
  }
}
