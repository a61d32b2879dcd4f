import { createInterface } from 'node:readline/promises'
import { Command } from 'commander'
import { type Connection, connect } from '../database/connect.ts'
import {
  type DatabaseLocation,
  describeLocation,
  isLocalServer,
  readEnvironment,
  resolveLocation,
} from '../database/location.ts'
import { migrate } from '../database/migrate.ts'
import { resetDatabase } from '../database/reset.ts'
import { ConfigurationError, OpaError } from '../errors.ts'

const program = new Command('opa-db').description('The commands behind this repository’s npm scripts.')

program
  .command('migrate')
  .description('bring the database to this version')
  .action(() =>
    withDatabase(async ({ db, location }) => {
      const { applied } = await migrate(db)
      const done = applied.length > 0 ? `applied ${applied.join(', ')}` : 'nothing to do'
      console.log(`${describeLocation(location)}: ${done}`)
    }),
  )

program
  .command('reset')
  .description('drop everything that the migrations made')
  .option('--yes', 'do not ask')
  .option('--force', 'also on a server that is not on this machine')
  .option('--extensions', 'drop the extensions vector and pg_trgm as well')
  .action((options: { yes?: true; force?: true; extensions?: true }) =>
    withDatabase(async ({ db, location }) => {
      if (location.kind === 'server' && !isLocalServer(location.url) && !options.force) {
        throw new ConfigurationError(
          `${describeLocation(location)} is not on this machine: repeat with --force if you mean it`,
        )
      }
      const question = `Drop all memories and jobs in ${describeLocation(location)}?`
      if (!options.yes && !(await confirmed(question))) throw new ConfigurationError('nothing was dropped')
      const dropped = await resetDatabase(db, { extensions: options.extensions === true })
      console.log(`${describeLocation(location)}: dropped ${dropped.length} objects`)
    }),
  )

program
  .command('studio')
  .description('browse the database with Drizzle Studio')
  .option('--port <port>', 'of Studio', '4983')
  .action(async ({ port }: { port: string }) => {
    const { openStudio } = await import('./studio.ts')
    await openStudio(locationFromEnvironment(), port)
  })

program
  .command('demo')
  .description('show memories and jobs at work')
  .argument('[question...]', 'a question of yours, asked by keyword')
  .action(async (words: string[]) => {
    const { runDemo } = await import('./demo/run-demo.ts')
    const question = words.join(' ').trim()
    await runDemo({ location: locationFromEnvironment(), ...(question && { question }) })
  })

program
  .command('generate')
  .description('write the migrations for what changed in src/schema and src/sql')
  .argument('[name]', 'of the migrations')
  .action(async (name: string | undefined) => {
    const { generate } = await import('./generate.ts')
    const tags = generate(name)
    console.log(tags.length > 0 ? `wrote ${tags.join(', ')}` : 'nothing has changed')
  })

program
  .command('squash')
  .description('write all migrations anew; only while nothing is released')
  .action(async () => {
    const { squash } = await import('./generate.ts')
    console.log(`wrote ${squash().join(', ')}`)
  })

program
  .command('drift')
  .description('fail if the migrations are not what the sources ask for')
  .action(async () => {
    const { findDrift } = await import('./drift.ts')
    const drift = await findDrift()
    if (drift.length > 0) throw new ConfigurationError(`${drift.join('\n')}\nRun: npm run db:generate`)
    console.log('schema, functions and migrations agree')
  })

program
  .command('golden')
  .description('rewrite the golden dump of the migrated catalog')
  .action(async () => {
    const { writeGoldenCatalog } = await import('./golden.ts')
    console.log(`wrote ${await writeGoldenCatalog()}`)
  })

function locationFromEnvironment(): DatabaseLocation {
  return resolveLocation(readEnvironment())
}

async function withDatabase(work: (connection: Connection) => Promise<void>): Promise<void> {
  const connection = await connect(locationFromEnvironment(), { maxConnections: 1 })
  try {
    await work(connection)
  } finally {
    await connection.close()
  }
}

async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new ConfigurationError('nobody is there to answer whether to drop everything: repeat with --yes')
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^y(es)?$/i.test(await terminal.question(`${question} [y/N] `))
  } finally {
    terminal.close()
  }
}

try {
  await program.parseAsync()
} catch (error) {
  // What a user can mend is told in a sentence; anything else with its stack.
  console.error(error instanceof OpaError ? error.message : error)
  process.exitCode = 1
}
