import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Command } from 'commander'
import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'
import { seededRandom } from '../../src/tuning/choose-fusion.ts'
import { makeEmbeddedTemplate, openEmbeddedCopy } from '../support/embedded-template.ts'
import { applyMutant, type MutatedFunction } from '../support/mutant.ts'
import { type Mutant, mutantsOf } from './mutants.ts'
import { nearestTests } from './nearest-tests.ts'

// Changes one comparison, limit or condition of one SQL function at a time, and runs the tests nearest to it on an embedded
// database that has the changed function. A change that no test notices is a hole in the tests, or makes no difference:
// those that make none are listed with their reason in explained.json.

const run = promisify(execFile)
const project = join(import.meta.dirname, '../..')

interface Options {
  readonly sample: number
  readonly minutes: number
  readonly seed: number
  readonly only?: string
}

interface DatabaseFunction {
  readonly schema: string
  readonly name: string
  readonly body: string
}

type Outcome = 'killed' | 'survived' | 'explained' | 'untested'

const command = new Command('mutate')
  .description('Changes the SQL functions one place at a time and says which changes no test notices.')
  .option('--sample <number>', 'mutants to try, drawn by lot', Number, 150)
  .option('--minutes <number>', 'stop after so long', Number, 55)
  .option('--seed <number>', 'of the lot', Number, 1)
  .option('--only <pattern>', 'only functions whose names match')
command.action((options: Options) => main(options))
await command.parseAsync()

async function main({ sample, minutes, seed, only }: Options): Promise<void> {
  const ends = performance.now() + minutes * 60_000
  const template = await makeEmbeddedTemplate()
  const connection = await openEmbeddedCopy(template.file)
  const functions = await functionsOf(connection.db)
  const wanted = functions.filter(({ name }) => only === undefined || new RegExp(only).test(name))
  const all = wanted.flatMap((its) => mutantsOf(its.body).map((mutant) => ({ its, mutant })))
  console.log(`${all.length} mutants of ${wanted.length} functions; trying ${Math.min(sample, all.length)}`)

  const outcomes: Record<Outcome, number> = { killed: 0, survived: 0, explained: 0, untested: 0 }
  for (const { its, mutant } of shuffled(all, seed).slice(0, sample)) {
    if (performance.now() > ends) break
    const mutated = { ...its, mutated: mutant.body }
    if (!(await compiles(connection.db, mutated))) continue
    const outcome = await judge(mutated, mutant, functions, template.file)
    outcomes[outcome] += 1
    if (outcome !== 'killed') console.log(`${outcome}: ${describe(its, mutant)}`)
  }
  await connection.close()
  await template.remove()
  const tried = outcomes.killed + outcomes.survived + outcomes.explained + outcomes.untested
  console.log(
    `${tried} tried: ${outcomes.killed} killed, ${outcomes.survived} survived, ${outcomes.explained} explained, ${outcomes.untested} without a test near`,
  )
  if (outcomes.survived + outcomes.untested > tried / 20) process.exitCode = 1
}

function describe({ name }: DatabaseFunction, { line, before, after }: Mutant): string {
  return `${name} line ${line}\n    - ${before}\n    + ${after}`
}

/** The functions that the migrations made: not those of extensions. */
async function functionsOf(db: Database): Promise<DatabaseFunction[]> {
  const rows = await queryRows(
    db,
    sql`
      SELECT n.nspname AS schema, p.proname AS name, p.prosrc AS body
      FROM pg_proc AS p
      JOIN pg_namespace AS n ON n.oid = p.pronamespace
      JOIN pg_language AS l ON l.oid = p.prolang
      WHERE l.lanname IN ('sql', 'plpgsql') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
      ORDER BY n.nspname, p.proname
    `,
  )
  return rows.map(({ schema, name, body }) => ({
    schema: String(schema),
    name: String(name),
    body: String(body),
  }))
}

/** Whether it can be created at all; the database is as before afterwards. */
async function compiles(db: Database, mutated: MutatedFunction): Promise<boolean> {
  try {
    await db.transaction(async (transaction) => {
      await applyMutant(transaction, mutated)
      transaction.rollback()
    })
    return true
  } catch (error) {
    return String(error).includes('Rollback')
  }
}

async function judge(
  mutated: MutatedFunction,
  mutant: Mutant,
  functions: readonly DatabaseFunction[],
  template: string,
): Promise<Outcome> {
  if (isExplained(mutated.name, mutant)) return 'explained'
  const tests = nearestTests(mutated.name, functions)
  if (tests.length === 0) return 'untested'
  const folder = mkdtempSync(join(tmpdir(), 'opa-db-mutant-'))
  const file = join(folder, 'mutant.json')
  writeFileSync(file, JSON.stringify(mutated))
  const args = [
    'vitest',
    'run',
    '--config',
    'test/vitest.config.ts',
    '--bail',
    '1',
    '--typecheck.enabled=false',
  ]
  try {
    await run('npx', [...args, '-t', '\\(embedded\\)', ...tests], {
      cwd: project,
      // A mutant may go round for ever.
      timeout: 180_000,
      env: { ...process.env, OPA_MUTANT: file, OPA_EMBEDDED_TEMPLATE: template, CI: '' },
    })
    return 'survived'
  } catch {
    return 'killed'
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Explained {
  readonly function: string
  readonly before: string
  readonly after: string
  readonly why: string
}

function isExplained(name: string, { before, after }: Mutant): boolean {
  const all: Explained[] = JSON.parse(readFileSync(join(import.meta.dirname, 'explained.json'), 'utf8'))
  return all.some((known) => known.function === name && known.before === before && known.after === after)
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed)
  return items
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item)
}
