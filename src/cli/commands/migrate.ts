import { describeLocation } from '../../database/location.ts'
import { migrate } from '../../database/migrate.ts'
import type { Define } from '../command.ts'
import { withDatabase } from '../connection.ts'

export const defineMigrate: Define = (program, handler) => {
  program
    .command('migrate')
    .summary('bring the database to this version')
    .description('Makes the tables and functions of this version. Any number of processes may do so at once.')
    .action(
      handler(async (context, options) => {
        await withDatabase(
          context,
          options,
          async ({ db, location }) => {
            const { applied, needsReindex } = await migrate(db)
            if (needsReindex) {
              await context.err.lines(
                'this server takes some words apart otherwise than the memories were stored, and searches miss them: opa-db reindex',
              )
            }
            if (options.json) {
              await context.out.json({ applied, needsReindex })
              return
            }
            const done = applied.length > 0 ? `applied ${applied.join(', ')}` : 'nothing to do'
            await context.out.lines(`${describeLocation(location)}: ${done}`)
          },
          { creates: true, asItIs: true, stopsItself: true, maxConnections: 1 },
        )
        return 0
      }),
    )
}
