import { forget } from '../../memory/forget.ts'
import type { Define } from '../command.ts'
import { withDatabase } from '../connection.ts'
import { counted } from '../format.ts'
import { wholeMemoryId } from './ids.ts'

export const defineForget: Define = (program, handler) => {
  program
    .command('forget')
    .summary('delete memories by their ids')
    .description('Deletes memories by their ids. `opa-db erase` deletes all of a namespace or speaker.')
    .argument('<id...>', 'their ids, or the beginnings of them')
    .action(
      handler<object, [string[]]>(async (context, options, given) => {
        const forgotten = await withDatabase(context, options, async ({ db }) => {
          // All are looked up first, so that a wrong one deletes nothing.
          const ids: string[] = []
          for (const id of given) ids.push(await wholeMemoryId(db, id))
          return forget(db, { ids })
        })
        if (options.json) await context.out.json({ forgotten })
        else await context.out.lines(`forgotten: ${counted(forgotten.length, 'memory', 'memories')}`)
        return 0
      }),
    )
}
