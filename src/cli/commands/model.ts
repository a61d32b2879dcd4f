import type { Database } from '../../database/database.ts'
import { beginModelChange } from '../../embedding/begin-model-change.ts'
import { cancelModelChange } from '../../embedding/cancel-model-change.ts'
import type { Embedder } from '../../embedding/embedder.ts'
import {
  type EmbeddingModel,
  embeddingModel,
  type ModelName,
  useEmbeddingModel,
} from '../../embedding/embedding-model.ts'
import { finishModelChange } from '../../embedding/finish-model-change.ts'
import { type Define, given, wholeNumber } from '../command.ts'
import { withDatabase } from '../connection.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { embedMissing } from '../embed.ts'
import { embedderOf } from '../embedder-settings.ts'
import { UsageError } from '../exit.ts'
import { counted } from '../format.ts'
import { Progress } from '../progress.ts'
import { fieldLines } from '../table.ts'
import { onOneLine } from '../terminal.ts'

const changing = `
A database without vectors takes any model: opa-db model use. To change it where there are vectors, while searches and
writes go on:
  opa-db model begin NAME DIMENSIONS   each memory can hold a vector of both models
  opa-db embed                         with the new embedder configured: makes the new ones
  opa-db model finish                  builds the index, embeds what came since, switches searches, removes the old ones
NAME and DIMENSIONS are those of the configured embedder where they are left out.`

const wide = { creates: true, stopsItself: true, maxConnections: 3 } as const

export const defineModel: Define = (program, handler) => {
  const model = program
    .command('model')
    .summary('which embedding model the vectors are of')
    .description('Says which embedding model the vectors are of; changes it.')
    .addHelpText('after', changing)
    .action(
      handler((context, options) => withDatabase(context, options, ({ db }) => show(context, options, db))),
    )

  model
    .command('use')
    .summary('say which model it is, while there are no vectors')
    .argument('[name]', "the model's name")
    .argument('[dimensions]', 'numbers of its vectors', wholeNumber('dimensions', 1, 4000))
    .action(
      handler<object, [string?, number?]>((context, options, name, dimensions) =>
        withDatabase(
          context,
          options,
          async ({ db }) => {
            await useEmbeddingModel(db, modelOf(context, name, dimensions))
            return show(context, options, db)
          },
          wide,
        ),
      ),
    )

  model
    .command('begin')
    .summary('begin the change to another model')
    .argument('[name]', "the model's name")
    .argument('[dimensions]', 'numbers of its vectors', wholeNumber('dimensions', 1, 4000))
    .action(
      handler<object, [string?, number?]>((context, options, name, dimensions) =>
        withDatabase(
          context,
          options,
          async ({ db }) => {
            await beginModelChange(db, modelOf(context, name, dimensions))
            return show(context, options, db)
          },
          wide,
        ),
      ),
    )

  model
    .command('finish')
    .summary('switch searches to the model of the change')
    .option(
      '--accept-pending',
      'also while some memories have no vector of it: they are found by keyword until then',
    )
    .action(
      handler<{ acceptPending?: true }>((context, options) =>
        withDatabase(
          context,
          options,
          async ({ db }) => {
            const embedder = nextEmbedder(context, await embeddingModel(db))
            if (embedder !== undefined) {
              // What it refuses is said by the finish.
              await embedMissing(db, context, options, embedder)
              context.signal.throwIfAborted()
            }
            const progress = new Progress(context, options, 'vectors put in their place')
            const { missed } = await finishModelChange(db, {
              ...given({ acceptPending: options.acceptPending, embedder }),
              onSettled: (settled) => progress.update(settled),
              signal: context.signal,
            }).finally(() => progress.end())
            context.signal.throwIfAborted()
            if (missed > 0) {
              await context.err.lines(
                `${counted(missed, 'row was', 'rows were')} being written all the while: run it again`,
              )
            }
            return show(context, options, db)
          },
          wide,
        ),
      ),
    )

  model
    .command('cancel')
    .summary('give the change up')
    .action(
      handler((context, options) =>
        withDatabase(
          context,
          options,
          async ({ db }) => {
            await cancelModelChange(db, { signal: context.signal })
            return show(context, options, db)
          },
          wide,
        ),
      ),
    )
}

async function show(context: Context, options: GlobalOptions, db: Database): Promise<number> {
  const model = await embeddingModel(db)
  if (options.json) {
    await context.out.json(model)
    return 0
  }
  const named = ({ name, dimensions }: ModelName) =>
    `${name === null ? 'not named yet' : onOneLine(name)}, ${dimensions} dimensions`
  await context.out.lines(
    ...fieldLines(context.out.terminal, [
      ['model', named(model)],
      ...(model.next === null ? [] : [['changing to', named(model.next)] as const]),
    ]),
  )
  return 0
}

/** The configured embedder, if it is of the model that a change is under way to: the rest is embedded by it. */
function nextEmbedder(context: Context, { next }: EmbeddingModel): Embedder | undefined {
  const embedder = embedderOf(context.environment)
  return next !== null && embedder?.model === next.name && embedder.dimensions === next.dimensions
    ? embedder
    : undefined
}

function modelOf(
  context: Context,
  name: string | undefined,
  dimensions: number | undefined,
): ModelName & { name: string } {
  const embedder = embedderOf(context.environment)
  const model = name ?? embedder?.model
  const numbers =
    dimensions ?? (name === undefined || name === embedder?.model ? embedder?.dimensions : undefined)
  if (model === undefined || numbers === undefined) {
    throw new UsageError('which model? For example: opa-db model use text-embedding-3-small 1536')
  }
  return { name: model, dimensions: numbers }
}
