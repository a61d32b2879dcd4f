import { describeLocation, isLocalServer } from '../../database/location.ts'
import { resetDatabase } from '../../database/reset.ts'
import type { Define } from '../command.ts'
import { confirmed } from '../confirm.ts'
import { locationOf, withDatabase } from '../connection.ts'
import { UsageError } from '../exit.ts'

interface ResetOptions {
  readonly yes?: true
  readonly force?: true
  readonly extensions?: true
}

export const defineReset: Define = (program, handler) => {
  program
    .command('reset')
    .summary('drop everything that the migrations made')
    .description('Drops everything that the migrations made, with all memories and jobs. Asks before.')
    .option('--yes', 'do not ask')
    .option('--force', 'also on a server that is not on this machine')
    .option('--extensions', 'drop the extensions vector and pg_trgm as well')
    .action(
      handler<ResetOptions>(async (context, options) => {
        const location = locationOf(context, options)
        const where = describeLocation(location)
        if (location.kind === 'server' && !isLocalServer(location.url) && !options.force) {
          throw new UsageError(`${where} is not on this machine: repeat with --force if you mean it`)
        }
        if (!options.yes && !(await confirmed(context, `Drop all memories and jobs in ${where}?`))) {
          await context.err.lines('nothing was dropped')
          return 1
        }
        const dropped = await withDatabase(
          context,
          options,
          ({ db }) => resetDatabase(db, { extensions: options.extensions === true }),
          { asItIs: true, stopsItself: true, maxConnections: 1 },
        )
        if (options.json) await context.out.json({ dropped })
        else await context.out.lines(`${where}: dropped ${dropped.length} objects`)
        return 0
      }),
    )
}
