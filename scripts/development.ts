import { Command } from 'commander'
import { readEnvironment, resolveLocation } from '../src/database/location.ts'
import { ConfigurationError, OpaError } from '../src/errors.ts'

const program = new Command('development').description(
  'What this repository’s npm scripts run and the package does not ship.',
)

program
  .command('demo')
  .description('show memories and jobs at work')
  .argument('[question...]', 'a question of yours, asked by keyword')
  .action(async (words: string[]) => {
    const { runDemo } = await import('./demo/run-demo.ts')
    const question = words.join(' ').trim()
    await runDemo({ location: resolveLocation(readEnvironment()), ...(question && { question }) })
  })

program
  .command('generate')
  .description('write the migrations for what changed in src/schema and src/sql')
  .argument('[name]', 'of the migrations')
  .action(async (name: string | undefined) => {
    const { generate } = await import('./migrations/generate.ts')
    const tags = generate(name)
    console.log(tags.length > 0 ? `wrote ${tags.join(', ')}` : 'nothing has changed')
  })

program
  .command('squash')
  .description('write all migrations anew; only while nothing is released')
  .action(async () => {
    const { squash } = await import('./migrations/generate.ts')
    console.log(`wrote ${squash().join(', ')}`)
  })

program
  .command('drift')
  .description('fail if the migrations are not what the sources ask for')
  .action(async () => {
    const { findDrift } = await import('./migrations/drift.ts')
    const drift = await findDrift()
    if (drift.length > 0) throw new ConfigurationError(`${drift.join('\n')}\nRun: npm run db:generate`)
    console.log('schema, functions and migrations agree')
  })

program
  .command('golden')
  .description('rewrite the golden dump of the migrated catalog')
  .action(async () => {
    const { writeGoldenCatalog } = await import('./migrations/golden.ts')
    console.log(`wrote ${await writeGoldenCatalog()}`)
  })

try {
  await program.parseAsync()
} catch (error) {
  // What a user can mend is told in a sentence; anything else with its stack.
  console.error(error instanceof OpaError ? error.message : error)
  process.exitCode = 1
}
