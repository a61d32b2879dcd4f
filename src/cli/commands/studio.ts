import { type Define, wholeNumber } from '../command.ts'
import { locationOf } from '../connection.ts'

export const defineStudio: Define = (program, handler) => {
  program
    .command('studio')
    .summary('browse the database')
    .description('Opens Drizzle Studio on the database, until Ctrl-C. Needs drizzle-kit beside opa-db.')
    .option('--port <port>', 'of Studio', wholeNumber('--port', 1, 65_535), 4983)
    .action(
      handler<{ port: number }>(async (context, options) => {
        const { openStudio } = await import('../studio.ts')
        return openStudio(context, locationOf(context, options), options.port)
      }),
    )
}
