import { type Define, given, wholeNumber } from '../command.ts'
import { withDatabase } from '../connection.ts'
import { embedWithProgress } from '../embed.ts'
import { embedderOf } from '../embedder-settings.ts'
import { UsageError } from '../exit.ts'
import { fittingEmbedder } from '../fitting-embedder.ts'

interface EmbedOptions {
  readonly namespace?: string
  readonly limit?: number
  readonly batchSize?: number
}

export const defineEmbed: Define = (program, handler) => {
  program
    .command('embed')
    .summary('make the vectors that are missing')
    .description(
      'Makes the vectors of memories that have none, with the configured embedder. Any number of runs may go on at once.',
    )
    .option('-n, --namespace <name>', 'only of this namespace')
    .option('--limit <number>', 'so many at most', wholeNumber('--limit', 1, Number.MAX_SAFE_INTEGER))
    .option('--batch-size <number>', 'at a time, 1 to 1000', wholeNumber('--batch-size', 1, 1000))
    .addHelpText(
      'after',
      `
The embedder is set in the environment:
  OPA_EMBEDDER             openai (any OpenAI-compatible endpoint), transformers (in this process) or none
  OPA_EMBEDDER_MODEL       the model's name
  OPA_EMBEDDER_URL         the endpoint, for example http://localhost:11434/v1
  OPA_EMBEDDER_KEY         its key; OPENAI_API_KEY for OpenAI's own
  OPA_EMBEDDER_DIMENSIONS  numbers of a vector`,
    )
    .action(
      handler<EmbedOptions>(async (context, options) => {
        if (embedderOf(context.environment) === undefined) {
          throw new UsageError('no embedder is configured: see opa-db help embed')
        }
        const { namespace, limit, batchSize } = options
        const isDone = await withDatabase(
          context,
          options,
          async ({ db }) => {
            const embedder = await fittingEmbedder(db, context)
            const pending = given({ namespace, limit, batchSize })
            return embedder === undefined || embedWithProgress(db, context, options, embedder, pending)
          },
          { stopsItself: true },
        )
        return isDone ? 0 : 1
      }),
    )
}
