import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { describeLocation } from '../../database/location.ts'
import { queryRows, toNumber } from '../../database/rows.ts'
import { queueStats } from '../../jobs/reading/queue-stats.ts'
import type { Define } from '../command.ts'
import { withDatabase } from '../connection.ts'
import { count, size } from '../format.ts'
import { fieldLines, tableLines } from '../table.ts'
import { onOneLine, type Terminal } from '../terminal.ts'

export const defineStatus: Define = (program, handler) => {
  program
    .command('status')
    .summary('what is in the database')
    .description('Says where the database is and what is in it. `opa-db doctor` says whether it is well.')
    .action(
      handler(async (context, options) => {
        const report = await withDatabase(context, options, async ({ db, location }) => ({
          database: describeLocation(location),
          ...(await readStatus(db)),
        }))
        if (options.json) await context.out.json(report)
        else await context.out.lines(...statusLines(context.out.terminal, report))
        return 0
      }),
    )
}

async function readStatus(db: Database) {
  const [server] = await queryRows(
    db,
    sql`SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes`,
  )
  const [memories] = await queryRows(
    db,
    sql`SELECT count(*) AS memories, count(embedding) AS embedded,
      count(*) FILTER (WHERE expires_at <= now()) AS expired, count(DISTINCT namespace) AS namespaces
      FROM memory_items`,
  )
  return {
    server: String(server?.version),
    bytes: toNumber(server?.bytes),
    memories: toNumber(memories?.memories),
    embedded: toNumber(memories?.embedded),
    expired: toNumber(memories?.expired),
    namespaces: toNumber(memories?.namespaces),
    queues: await queueStats(db),
  }
}

type Status = Awaited<ReturnType<typeof readStatus>> & { readonly database: string }

function statusLines(terminal: Terminal, status: Status): string[] {
  const { memories, embedded, namespaces, expired, queues } = status
  const right = (title: string) => ({ title, align: 'right' }) as const
  return [
    ...fieldLines(terminal, [
      ['database', status.database],
      ['PostgreSQL', `${status.server}, ${size(status.bytes)}`],
      ['memories', `${count(memories)} in ${count(namespaces)} namespace${namespaces === 1 ? '' : 's'}`],
      ['  with a vector', count(embedded)],
      ['  expired', count(expired)],
      ['queues', count(queues.length)],
    ]),
    ...(queues.length === 0
      ? []
      : [
          '',
          ...tableLines(
            terminal,
            [right('ready'), right('scheduled'), right('running'), right('waiting'), 'queue'],
            queues.map((queue) => ({
              cells: [
                ...[queue.ready, queue.scheduled, queue.running, queue.waiting].map(count),
                onOneLine(queue.queue),
              ],
            })),
          ),
        ]),
  ]
}
