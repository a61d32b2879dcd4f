import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { type Database, listMemories, remember } from '../../src/index.ts'
import { builtCommand, ended, run, start } from '../support/command.ts'
import { describeCommandsOnEachBackend, describeCommandsOnServer } from '../support/command-databases.ts'
import { usedFolder } from '../support/empty-folder.ts'

beforeAll(() => {
  builtCommand()
})

describeCommandsOnEachBackend('importing what people have', (database) => {
  it('reads CSV with mapped fields, quotes, line breaks and Windows line ends', async () => {
    const csv = [
      '\ufeffwhen,user,message,labels,stars,channel',
      '2026-01-31T09:00:00.5Z,ana,"Hello, ""world""',
      'again",a; b,0.25,mail',
      ',bob,Second,,,',
    ].join('\r\n')
    const file = join(database.cwd, 'chats.csv')
    writeFileSync(file, csv)
    const maps = ['created_at=when', 'speaker_id=user', 'text=message', 'tags=labels', 'importance=stars']
    const words = ['import', file, ...maps.flatMap((pair) => ['--map', pair]), '--namespace', 'chats']
    const refused = await run(words, database.in())
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toContain('"channel": no field of a memory')
    const { code, stdout, stderr } = await run([...words, '--rest', 'metadata'], database.in())
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^imported 2 new memories in /)
    const { items } = await database.with((db) => listMemories(db, { namespace: 'chats' }))
    expect(items).toMatchObject([
      { text: 'Second', speakerId: 'bob', tags: [], metadata: {}, importance: 0.5 },
      {
        text: 'Hello, "world"\r\nagain',
        speakerId: 'ana',
        tags: ['a', 'b'],
        metadata: { channel: 'mail' },
        importance: 0.25,
        createdAt: new Date('2026-01-31T09:00:00.500Z'),
      },
    ])
    expect(existsSync(`${file}.opa-import`)).toBe(false)
  })

  it('puts bad lines into a file with their reason and stores the rest', async () => {
    const file = join(database.cwd, 'mixed.jsonl')
    const bad: [string | Buffer, RegExp][] = [
      ['{"text": "no end"', /not JSON/],
      ['["an array"]', /must be a JSON object/],
      ['{"text": ""}', /text must have from 1 to/],
      ['{"text": "x", "mood": "good"}', /"mood": no field of a memory/],
      ['{"text": "x", "tags": "one"}', /tags must be an array/],
      ['{"text": "x", "importance": 7}', /importance must be a number from 0 to 1/],
      ['{"text": "x", "embedding": [0, 1]}', /dimensions/],
      ['{"text": "x", "created_at": "yesterday"}', /createdAt must be a Date or an ISO 8601 time/],
      ['{"text": "x\\u0000"}', /NUL/],
      ['{"text": "x", "metadata": {"id": 123456789012345678901}}', /more than 15 digits/],
      [Buffer.from([0x7b, 0xff, 0x7d]), /not UTF-8/],
      [`{"text": "${'x'.repeat(70_000)}"}`, /from 1 to 65536 bytes/],
    ]
    const good = Array.from({ length: 40 }, (_, at) =>
      Buffer.from(JSON.stringify({ text: `good ${at}`, namespace: 'mixed' })),
    )
    const lines = good.flatMap((line, at) => (bad[at] ? [line, Buffer.from(bad[at][0])] : [line]))
    writeFileSync(file, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])))
    const { code, stdout, stderr } = await run(['import', file, '--json'], database.in())
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ created: 40, rejected: bad.length })
    expect(stderr).toContain(`${bad.length} records could not be stored: see ${file}.rejected.jsonl`)
    const rejected = readFileSync(`${file}.rejected.jsonl`, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rejected.map(({ line }) => line)).toEqual(bad.map((_, at) => 2 * at + 2))
    bad.forEach(([, reason], at) => {
      expect(rejected[at].reason).toMatch(reason)
    })
    expect(rejected[0].input).toBe('{"text": "no end"')
  })

  it('reads memories with ids of their own, twice, as one row each', async () => {
    const input = ['one', 'two', 'one']
      .map((id) => JSON.stringify({ id, text: `text of ${id}`, namespace: 'own' }))
      .join('\n')
    expect((await run(['import'], database.in({ input }))).stdout).toMatch(
      /^imported 2 new memories, 1 brought/,
    )
    expect((await run(['import'], database.in({ input }))).stdout).toMatch(
      /^imported 0 new memories, 3 brought/,
    )
  })
})

// What is wrong use is so whichever database it is said to.
describeCommandsOnServer('an import', (database) => {
  it.each([
    ['[{"text": "x"}]\n', [], /one JSON array/],
    [Buffer.from('\ufefftext\n', 'utf16le'), ['--format', 'csv'], /UTF-16/],
    ['text\n"open\n', ['--format', 'csv'], /never closed/],
    ['a,b\n', ['--format', 'csv', '--map', 'text=c', '--rest', 'ignore'], /--map names "c"/],
    ['', ['--map', 'words=a'], /--map takes FIELD=NAME/],
    ['', ['--rest', 'keep'], /refuse, metadata or ignore/],
  ])('refuses %j with %j as wrong use', async (input, words, message) => {
    const refused = await run(['import', ...words], database.in({ input }))
    expect(refused.stderr).toMatch(message)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
  })
})

// Twelve batches: a process that is told to stop after the first has more than a second of work left.
const lines = 6000
const manyLines = (name: string) =>
  Array.from({ length: lines }, (_, at) =>
    JSON.stringify({ text: `memory ${at} of many words about ${at % 97}`, namespace: name }),
  ).join('\n')

async function countOf(db: Database, namespace: string): Promise<{ rows: number; texts: number }> {
  const [row] = await queryRows(
    db,
    sql`SELECT count(*)::int AS rows, count(DISTINCT text)::int AS texts FROM memory_items WHERE namespace = ${namespace}`,
  )
  return { rows: Number(row?.rows), texts: Number(row?.texts) }
}

async function untilExists(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20))
}

describeCommandsOnEachBackend('an import that is cut short', (database) => {
  it('killed with -9: run again, it goes on and ends with the right rows, none twice', {
    timeout: 240_000,
  }, async () => {
    const file = join(database.cwd, 'killed.jsonl')
    writeFileSync(file, manyLines('killed'))
    const first = start(['import', file], database.in())
    await untilExists(`${file}.opa-import`)
    first.kill('SIGKILL')
    expect(await ended(first)).toMatchObject({ signal: 'SIGKILL' })
    const again = await run(['import', file], database.in())
    expect(again.code).toBe(0)
    expect(again.stderr).toMatch(/went on after the first [\d,]+ records/)
    expect(existsSync(`${file}.opa-import`)).toBe(false)
    expect(await database.with((db) => countOf(db, 'killed'))).toEqual({ rows: lines, texts: lines })
  })

  it('stopped by Ctrl-C: says so, exits with 130, and goes on when it is run again', {
    timeout: 240_000,
  }, async () => {
    const file = join(database.cwd, 'stopped.jsonl')
    writeFileSync(file, manyLines('stopped'))
    const first = start(['import', file], database.in())
    await untilExists(`${file}.opa-import`)
    first.kill('SIGINT')
    const { code, stderr } = await ended(first)
    expect(code).toBe(130)
    expect(stderr).toMatch(/stopped after [\d,]+ records\. The same command goes on from there/)
    const again = await run(['import', file, '--json'], database.in())
    expect(again.stderr).toMatch(/went on after the first/)
    expect(JSON.parse(again.stdout)).toMatchObject({ created: lines, rejected: 0 })
    expect(await database.with((db) => countOf(db, 'stopped'))).toEqual({ rows: lines, texts: lines })
  })

  it('passes over nothing when the database is no longer the one that it was', {
    timeout: 240_000,
  }, async () => {
    const file = join(database.cwd, 'other.jsonl')
    writeFileSync(file, manyLines('other'))
    const first = start(['import', file], database.in())
    await untilExists(`${file}.opa-import`)
    first.kill('SIGKILL')
    await ended(first)
    await database.with((db) => queryRows(db, sql`DELETE FROM memory_items WHERE namespace = 'other'`))
    const again = await run(['import', file], database.in())
    expect(again.stderr).not.toContain('went on')
    expect(await database.with((db) => countOf(db, 'other'))).toEqual({ rows: lines, texts: lines })
  })
})

describe('an import without a file', () => {
  it('remembers for one line of standard input what remember does', async () => {
    const cwd = usedFolder()
    const input = '{"text": "Ana prefers window seats", "tags": ["travel"]}'
    await run(['import'], { cwd, input })
    const { connect } = await import('../../src/index.ts')
    const { db, close } = await connect({ kind: 'embedded', dataDir: join(cwd, '.opa') })
    const again = await remember(db, { text: 'Ana prefers window seats', tags: ['travel'] }).finally(close)
    expect(again.created).toBe(false)
  })
})
