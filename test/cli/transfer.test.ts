import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import {
  type Database,
  memoryId,
  remember,
  rememberDocument,
  rememberMany,
  supersede,
} from '../../src/index.ts'
import { builtCommand, ended, run, startShell } from '../support/command.ts'
import { describeCommandsOnEachBackend, describeCommandsOnServer } from '../support/command-databases.ts'
import { usedFolder } from '../support/empty-folder.ts'

beforeAll(() => {
  builtCommand()
})

/** Rows with everything that is easily lost: microseconds, digits, empty and odd values, vectors, what has expired. */
async function writeOddRows(db: Database): Promise<void> {
  const vector = (seed: number) =>
    Array.from({ length: 384 }, (_, at) => Math.sin(seed * (at + 1)) * 10 ** (at % 7))
  await rememberMany(db, {
    items: [
      { id: 'plain', text: 'plain' },
      {
        text: 'all of it',
        namespace: 'näm"e',
        tags: ['a,b', 'c"d', 'é\\', 'new\nline'],
        speakerId: 's',
        importance: 0.3,
      },
      {
        id: '…"id\\',
        text: 'line\nbreak\u2028 and "quotes" \\ 🙂',
        embedding: vector(1),
        metadata: { deep: [{ a: null }] },
      },
      { id: 'gone', text: 'expired', expiresAt: '2001-01-01T00:00:00.123456Z', embedding: vector(2) },
      { id: 'old', text: 'long ago', createdAt: '1999-12-31T23:59:59.000001Z' },
    ],
  })
  await db.execute(
    sql`UPDATE memory_items SET metadata = '{"big": 123456789012345678901234567890, "exact": 1.10, "tiny": 1e-30}' WHERE id = 'plain'`,
  )
}

/** What is not a column of the row itself, and what refers to other rows. */
async function writeRelatedRows(db: Database): Promise<void> {
  await remember(db, { id: 'plain', text: 'plain, and then edited' })
  await remember(db, { id: 'plain', text: 'edited "twice"', tags: ['new'] })
  await supersede(db, { id: 'old', text: 'not so long ago' })
  await rememberDocument(db, { documentId: 'letter', text: 'Dear Ana,\n\nit rains.', namespace: 'post' })
}

/** Every stored column of every row, and of their histories, as the database itself writes it. */
async function rowsAsText(db: Database): Promise<string[]> {
  const rows = await queryRows(
    db,
    sql`
      SELECT m::text AS row FROM memory_items AS m
      UNION ALL
      SELECT (to_jsonb(h) - 'entry')::text FROM public_opa.memory_history AS h
    `,
  )
  // Servers sort text each in their own way.
  return rows.map((row) => String(row.row)).sort()
}

describeCommandsOnEachBackend('an export and its import', (database) => {
  const copy = usedFolder()
  const rowsExported = 7
  let exported: string

  it('has a line for each memory, in JSON', async () => {
    await database.with(async (db) => {
      await writeOddRows(db)
      await writeRelatedRows(db)
    })
    const { code, stdout, stderr } = await run(['export'], database.in())
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    exported = stdout
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(rowsExported)
    expect(lines.map((line) => JSON.parse(line).id)).toContain('…"id\\')
    expect(JSON.parse(lines.find((line) => line.includes('"gone"')) ?? '').embedding).toHaveLength(384)
  })

  it('makes the same rows in another database, byte for byte', async () => {
    const imported = await run(['import', '-'], { cwd: copy, input: exported })
    expect(imported).toMatchObject({ code: 0, stderr: '' })
    expect(imported.stdout).toMatch(/^imported 7 new memories in /)
    // Each server has an order of ids of its own.
    const sorted = (text: string) => text.split('\n').sort()
    expect(sorted((await run(['export'], { cwd: copy })).stdout)).toEqual(sorted(exported))
    const rows = await database.with(rowsAsText)
    const { connect } = await import('../../src/index.ts')
    const other = await connect({ kind: 'embedded', dataDir: join(copy, '.opa') })
    try {
      expect(await rowsAsText(other.db)).toEqual(rows)
    } finally {
      await other.close()
    }
  })

  it('goes back by a pipe, and changes nothing that is the same', async () => {
    const before = await database.with(rowsAsText)
    const back = await run(['import'], database.in({ input: (await run(['export'], { cwd: copy })).stdout }))
    expect(back).toMatchObject({ code: 0 })
    expect(back.stdout).toMatch(/^imported 0 new memories, 7 known already in /)
    expect(await database.with(rowsAsText)).toEqual(before)
  })

  it('brings rows up to date that have changed, and never takes an id from another namespace', async () => {
    const changed = exported
      .replace('"long ago"', '"longer ago"')
      .replace('"text":"expired"', '"text":"fancy"')
    const line = changed.split('\n').find((one) => one.includes('longer ago')) ?? ''
    const foreign =
      changed
        .split('\n')
        .find((one) => one.includes('fancy'))
        ?.replace('"default"', '"other"') ?? ''
    const rejects = join(database.cwd, 'foreign.jsonl')
    const { code, stdout } = await run(
      ['import', '--rejects', rejects],
      database.in({ input: `${line}\n${foreign}\n` }),
    )
    expect(code).toBe(1)
    expect(stdout).toMatch(/^imported 0 new memories, 1 brought up to date in /)
    expect(JSON.parse(readFileSync(rejects, 'utf8'))).toMatchObject({
      line: 2,
      reason: expect.stringContaining('another namespace'),
    })
  })
})

// What narrows it is the same whichever database it is said to.
describeCommandsOnServer('an export', (database) => {
  it('is narrowed by namespace, speaker, tag and time, and spared of vectors', async () => {
    await database.with(writeOddRows)
    const ids = async (...words: string[]) =>
      (await run(['export', ...words], database.in())).stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).id)
    const all = memoryId('näm"e', 'all of it', ['a,b', 'c"d', 'é\\', 'new\nline'])
    expect(await ids('--namespace', 'näm"e')).toEqual([all])
    expect(await ids('--tag', 'c"d', '--speaker', 's')).toEqual([all])
    expect(await ids('--until', '2000-01-01')).toEqual(['old'])
    expect(await ids('--no-expired', '--namespace', 'default')).not.toContain('gone')
    const { stdout } = await run(['export', '--no-embeddings'], database.in())
    expect(stdout).not.toContain('embedding')
  })
})

describeCommandsOnEachBackend('a reader that goes away', (database) => {
  it('ends an export quietly (opa-db export | head -1)', async () => {
    await database.with((db) =>
      rememberMany(db, {
        items: Array.from({ length: 600 }, (_, at) => ({ text: `${'long '.repeat(200)}${at}` })),
      }),
    )
    const child = startShell('set -o pipefail; opa-db export | head -n 1', database.in())
    const { code, stdout, stderr } = await ended(child)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ namespace: 'default' })
    // The embedded database was closed properly: it opens again.
    expect((await run(['list', '--limit', '1', '--json'], database.in())).code).toBe(0)
  })
})

describe('an import of an export', () => {
  it('takes its model to a database that has no vectors, and to none that has others', async () => {
    const cwd = usedFolder()
    const line = (id: string, numbers: number[], model: string) =>
      `${JSON.stringify({ id, namespace: 'n', text: id, embedding: numbers, created_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z', embedded_with: model })}\n`
    const first = await run(['import'], { cwd, input: line('a', [1, 2, 3], 'tiny') })
    expect(first).toMatchObject({ code: 0, stderr: '' })
    const shown = await run(['model', '--json'], { cwd })
    expect(JSON.parse(shown.stdout)).toMatchObject({ name: 'tiny', dimensions: 3 })
    expect((await run(['export'], { cwd })).stdout).toContain('"embedded_with":"tiny"')
    const other = await run(['import'], { cwd, input: line('b', [1, 2, 3], 'other') })
    expect(other).toMatchObject({ code: 1, stdout: '' })
    expect(other.stderr).toMatch(
      /vectors are of "other" \(3 dimensions\), and the database holds some of "tiny".*--no-vectors/,
    )
    const without = await run(['import', '--no-vectors'], { cwd, input: line('b', [1, 2, 3], 'other') })
    expect(without).toMatchObject({ code: 0, stderr: '' })
  })
})
