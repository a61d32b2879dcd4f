import { reindexSearch } from '../../search/search-dictionary.ts'
import { type Define, given, wholeNumber } from '../command.ts'
import { withDatabase } from '../connection.ts'
import { count, counted } from '../format.ts'
import { Progress } from '../progress.ts'

export const defineReindex: Define = (program, handler) => {
  program
    .command('reindex')
    .summary('take texts apart anew, after an upgrade of the server')
    .description(
      'Makes the stored words of all memories anew, while searches and writes go on. A newer PostgreSQL takes some words\n' +
        'apart otherwise; opa-db doctor says when it is needed. Interrupted, it goes on where it was.',
    )
    .option('--batch-size <number>', 'memories at a time, 1 to 10000', wholeNumber('--batch-size', 1, 10_000))
    .action(
      handler<{ batchSize?: number }>(async (context, options) => {
        const progress = new Progress(context, options, 'memories')
        const { lookedAt, updated } = await withDatabase(context, options, ({ db }) =>
          reindexSearch(db, {
            ...given({ batchSize: options.batchSize }),
            onProgress: (done) => progress.update(done.lookedAt),
          }),
        ).finally(() => progress.end())
        if (options.json) await context.out.json({ lookedAt, updated })
        else
          await context.out.lines(
            `looked at ${counted(lookedAt, 'memory', 'memories')}, changed ${count(updated)}`,
          )
        return 0
      }),
    )
}
