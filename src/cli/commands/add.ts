import { text as readAll } from 'node:stream/consumers'
import { createMemory } from '../../memory/create-memory.ts'
import type { NewMemory } from '../../memory/new-memory.ts'
import { remember } from '../../memory/remember.ts'
import { anyNumber, collected, type Define, given, jsonObject } from '../command.ts'
import { withDatabase } from '../connection.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../exit.ts'
import { fittingEmbedder } from '../fitting-embedder.ts'
import { shortId } from '../format.ts'

interface AddOptions {
  readonly tag?: string[]
  readonly namespace?: string
  readonly speaker?: string
  readonly metadata?: Record<string, unknown>
  readonly importance?: number
  readonly expires?: string
  readonly id?: string
  readonly embed: boolean
}

export const defineAdd: Define = (program, handler) => {
  program
    .command('add')
    .summary('remember something')
    .description(
      'Remembers a text. The same text, namespace and tags are one memory, however often it is added.\n' +
        'Without a text, or with -, it is read from standard input.',
    )
    .argument('[text...]', 'what to remember')
    .option('-t, --tag <tag>', 'a tag; may be repeated', collected)
    .option('-n, --namespace <name>', "whose memory: a user, an agent, a project ('default' by default)")
    .option('-s, --speaker <id>', 'who said it')
    .option('-m, --metadata <json>', 'a JSON object', jsonObject('--metadata'))
    .option('--importance <number>', '0 to 1, 0.5 by default', anyNumber('--importance', 0, 1))
    .option('--expires <time>', 'ISO 8601; past it no search returns the memory')
    .option('--id <id>', 'an id of your own')
    .option('--no-embed', 'leave the vector to `opa-db embed`, where an embedder is configured')
    .addHelpText('after', '\nExample:\n  opa-db add "Ana prefers window seats" --tag travel --namespace ana')
    .action(
      handler<AddOptions, [string[]]>(async (context, options, words) => {
        const text = await textOf(context, words)
        const memory: NewMemory = given({
          text,
          id: options.id,
          namespace: options.namespace,
          tags: options.tag,
          speakerId: options.speaker,
          metadata: options.metadata,
          importance: options.importance,
          expiresAt: options.expires,
        })
        await withDatabase(
          context,
          options,
          async ({ db }) => {
            const embedder = options.embed ? await fittingEmbedder(db, context) : undefined
            const { id, created, ...vector } = embedder
              ? await createMemory(db, embedder).remember(memory, { signal: context.signal })
              : { ...(await remember(db, memory)), embedded: false, embedError: undefined }
            if (options.json) await context.out.json({ id, created, embedded: vector.embedded })
            else
              await context.out.lines(
                `${created ? 'remembered' : 'known already, brought up to date'}: ${shortId(id)}`,
              )
            if (vector.embedError) {
              await context.err.lines(
                `opa-db: without a vector, so it is found by keyword only: ${vector.embedError.message}. Later: opa-db embed`,
              )
            }
          },
          { creates: true },
        )
        return 0
      }),
    )
}

async function textOf({ stdin }: Context, words: readonly string[]): Promise<string> {
  if (words.length > 0 && !(words.length === 1 && words[0] === '-')) return words.join(' ')
  if (words.length === 0 && stdin.isTTY) {
    throw new UsageError('what is to be remembered? For example: opa-db add "Ana prefers window seats"')
  }
  const text = (await readAll(stdin)).replace(/\r?\n$/, '')
  if (text === '') throw new UsageError('there is nothing on standard input to remember')
  return text
}
