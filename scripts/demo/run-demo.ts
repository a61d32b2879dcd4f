import { shortened, styled, type Terminal, terminalOf } from '../../src/cli/terminal.ts'
import { describeLocation } from '../../src/database/location.ts'
import {
  ConfigurationError,
  connect,
  type Database,
  type DatabaseLocation,
  embeddingModel,
  migrate,
  rememberMany,
} from '../../src/index.ts'
import { type DemoFixture, type DemoMemory, readFixture } from './fixture.ts'
import { showJobs } from './job-life.ts'
import { ask, askByKeyword, comparisonLines, keywordLines, scoreboardLines } from './searches.ts'
import { dimensions } from './vectors.ts'

export interface DemoOptions {
  readonly location: DatabaseLocation
  /** A question of the user's own, asked by keyword; without one the whole demo is shown. */
  readonly question?: string
  /** Standard output by default. */
  readonly terminal?: Terminal
}

/**
 * Shows the package at work: migrates the database, remembers the demo's memories in namespaces of their own (so that
 * it disturbs nobody's and can be repeated), asks the three searches, and takes jobs through their lives.
 *
 * @throws OpaError if the database cannot be reached or migrated.
 * @example
 * await runDemo({ location: { kind: 'embedded', dataDir: '.opa' } })
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { location, question, terminal = standardOutput() } = options
  const started = performance.now()
  const say = (...lines: string[]) => terminal.write(`${lines.join('\n')}\n`)
  const { db, close } = await connect(location, { maxConnections: 2 })
  try {
    const { applied } = await migrate(db)
    const migrated = applied.length > 0 ? `${applied.length} migrations applied` : 'up to date'
    say(`${describeLocation(location)}: ${migrated}`)
    await refuseOtherModel(db)
    const fixture = readFixture()
    await rememberAll(db, terminal, fixture.memories)

    if (question !== undefined) {
      say(...(await ownQuestionLines(db, terminal, question)))
      return
    }
    say(...(await searchLines(db, terminal, fixture)))
    say('', heading(terminal, 'The life of two jobs'))
    await showJobs(db, terminal)
  } finally {
    await close()
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  say(
    '',
    heading(terminal, `Done in ${seconds} s. Next:`),
    '  npm run db:studio                          look at the memories and jobs in Drizzle Studio',
    '  npm run demo -- "where is the spare key?"  ask something of your own, by keyword',
  )
}

/** The demo's vectors are made beforehand, and can be searched only beside others of their length. */
async function refuseOtherModel(db: Database): Promise<void> {
  const model = await embeddingModel(db)
  if (model.dimensions === dimensions) return
  throw new ConfigurationError(
    `the demo's vectors have ${dimensions} dimensions, and those of this database's model ${model.dimensions}: show the demo in a database of its own, such as OPA_DATA_DIR=.opa-demo`,
  )
}

/** No wider than is good to read, also in a file. */
function standardOutput(): Terminal {
  const terminal = terminalOf(process.stdout, process.env)
  return { ...terminal, columns: Math.max(60, Math.min(100, terminal.columns)) }
}

const rowsInBatch = 25

async function rememberAll(db: Database, terminal: Terminal, memories: DemoMemory[]): Promise<void> {
  const results = await rememberMany(db, {
    items: memories,
    batchSize: rowsInBatch,
    onProgress: (done, total) => {
      if (terminal.isInteractive)
        terminal.write(`\r${progressBar(done, total)} ${done} of ${total} remembered`)
    },
  })
  if (terminal.isInteractive) terminal.write('\r\u001b[K')
  const created = results.filter((result) => result.created).length
  terminal.write(`${results.length} memories remembered, ${created} of them new\n`)
}

function progressBar(done: number, total: number): string {
  const columns = 40
  const filled = Math.round((done / total) * columns)
  return `${'█'.repeat(filled)}${'░'.repeat(columns - filled)}`
}

async function searchLines(db: Database, terminal: Terminal, fixture: DemoFixture): Promise<string[]> {
  const asked = []
  for (const question of fixture.questions) asked.push({ question, findings: await ask(db, question) })
  const shown = asked.filter(({ question }) => question.isShown)
  return [
    '',
    heading(terminal, 'Three searches side by side'),
    styled(
      terminal,
      'dim',
      'Place and score of whatever one of them has in its top 3; ✓ answers the question.',
    ),
    ...shown.flatMap(({ question, findings }) => ['', ...comparisonLines(terminal, question, findings)]),
    '',
    heading(terminal, `All ${asked.length} questions: where the best answer came`),
    ...scoreboardLines(terminal, asked),
    styled(
      terminal,
      'dim',
      'The vectors are averages of word vectors, made offline: a sentence embedder of your own finds more.',
    ),
  ]
}

/** A question that the fixture has no vector for; if it has one, all three searches. */
async function ownQuestionLines(db: Database, terminal: Terminal, text: string): Promise<string[]> {
  const known = readFixture().questions.find((question) => question.text === text)
  if (known !== undefined) return ['', ...comparisonLines(terminal, known, await ask(db, known))]

  const findings = await askByKeyword(db, text)
  const found =
    findings.length > 0
      ? keywordLines(terminal, findings)
      : ['  no memory of the demo has a word of this question']
  return [
    '',
    styled(terminal, 'bold', shortened(text, terminal.columns)),
    ...found,
    '',
    'By keyword only: a search by meaning needs the vector of the question; no embedder is configured.',
    'The demo has vectors for its own questions alone; a service brings an embedder of its own and passes',
    'queryEmbedding to vectorSearch or hybridSearch.',
  ]
}

function heading(terminal: Terminal, text: string): string {
  return styled(terminal, 'cyan', text)
}
