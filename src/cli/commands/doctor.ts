import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { internalSchema, schemaOf } from '../../database/schema-name.ts'
import { anyNumber, type Define } from '../command.ts'
import { withDatabase } from '../connection.ts'
import { examine } from '../doctor/examine.ts'
import type { Finding, State } from '../doctor/finding.ts'
import { embedderOf } from '../embedder-settings.ts'
import { counted } from '../format.ts'
import { type Style, styled, type Terminal } from '../terminal.ts'

export const defineDoctor: Define = (program, handler) => {
  program
    .command('doctor')
    .summary('whether the database is well, and what to do')
    .description(
      'Examines the database: each line is ok, warning or wrong, with what to do. It changes nothing.\n' +
        'Exit code 1 if something is wrong; with --strict also for warnings.',
    )
    .option('--quick', 'without the checks that read every memory')
    .option('--strict', 'exit code 1 for warnings too')
    .option(
      '--longer-than <seconds>',
      'how long is too long for a transaction, or for a job that nobody claims',
      anyNumber('--longer-than', 0.1, 1e9),
      300,
    )
    .action(
      handler<{ quick?: true; strict?: true; longerThan: number }>(async (context, options) => {
        const findings: Finding[] = []
        await withDatabase(
          context,
          options,
          async ({ db, location }) => {
            const schema = await installedSchema(db)
            const examined = {
              db,
              schema,
              internal: internalSchema(schema),
              isEmbedded: location.kind === 'embedded',
              isQuick: options.quick === true,
              longSeconds: options.longerThan,
              hasEmbedder: embedderOf(context.environment) !== undefined,
            }
            for await (const finding of examine(examined)) {
              findings.push(finding)
              if (!options.json) await context.out.lines(...findingLines(context.out.terminal, finding))
            }
          },
          { asItIs: true },
        )
        if (options.json) await context.out.json(findings)
        else await context.err.lines(summary(findings))
        const isBad = findings.some(
          ({ state }) => state === 'wrong' || (options.strict === true && state === 'warning'),
        )
        return isBad ? 1 : 0
      }),
    )
}

/** Where the tables are, or would be made. */
async function installedSchema(db: Database): Promise<string> {
  const [row] = await queryRows(db, sql`SELECT COALESCE(current_schema(), 'public') AS schema`)
  return schemaOf(db) ?? String(row?.schema)
}

const signs: Readonly<Record<State, { sign: string; style: Style }>> = {
  ok: { sign: 'ok     ', style: 'green' },
  warning: { sign: 'warning', style: 'yellow' },
  wrong: { sign: 'wrong  ', style: 'red' },
}
const widestName = 15

function findingLines(terminal: Terminal, { check, state, message, advice }: Finding): string[] {
  const { sign, style } = signs[state]
  const line = `${styled(terminal, style, sign)}  ${check.padEnd(widestName)}  ${message}`
  return advice === undefined ? [line] : [line, `${' '.repeat(widestName + 11)}→ ${advice}`]
}

function summary(findings: readonly Finding[]): string {
  const [warnings, faults] = (['warning', 'wrong'] as const).map(
    (state) => findings.filter((finding) => finding.state === state).length,
  )
  if (warnings === 0 && faults === 0) return 'all is well'
  return `${counted(faults ?? 0, 'thing is wrong', 'things are wrong')}, ${counted(warnings ?? 0, 'warning')}`
}
