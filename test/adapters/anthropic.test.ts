import { mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BetaMemoryTool20250818Command } from '@anthropic-ai/sdk/resources/beta'
import { BetaLocalFilesystemMemoryTool, betaMemoryTool } from '@anthropic-ai/sdk/tools/memory/node'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { type DatabaseMemoryTool, databaseMemoryTool } from '../../src/adapters/anthropic/index.ts'
import {
  bm25Search,
  InvalidInputError,
  listMemories,
  NotFoundError,
  pruneExpired,
  remember,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer } from '../support/backends.ts'
import { expectRefusal } from '../support/fixtures.ts'

type Command = BetaMemoryTool20250818Command

const name = fc.constantFrom('a', 'b', 'c.txt', '.hidden', 'node_modules', 'ä 😀')
const plainPath = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((names) => `/memories/${names.join('/')}`)
const path = fc.oneof(
  { weight: 12, arbitrary: plainPath },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '/memories',
      '/memories/',
      '/memories/a/',
      '/memories//a',
      '/memories/./a/../b',
      '/memories/a/../../memories/b',
      '/memoriesa',
      '/memories/..',
      '/memories/../../etc/passwd',
      '/memories/a/../../..',
      '/etc/passwd',
      'memories/a',
      '',
    ),
  },
)
const line = fc.constantFrom('', 'red', 'blue', 'red blue', '$& $1', 'größe 😀', '\ttab', 'a\r')
const text = fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n'))
const word = fc.constantFrom('red', 'blue', 'e', '', '$', 'red\nblue', 'nowhere', '😀')
const range = fc.tuple(fc.integer({ min: -1, max: 5 }), fc.integer({ min: -1, max: 8 }))

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ command: fc.constant('create' as const), path, file_text: text }),
  fc.record({ command: fc.constant('create' as const), path, file_text: text }),
  fc.record(
    { command: fc.constant('view' as const), path, view_range: range },
    { requiredKeys: ['command', 'path'] },
  ),
  fc.record({ command: fc.constant('str_replace' as const), path, old_str: word, new_str: word }),
  fc.record({
    command: fc.constant('insert' as const),
    path,
    insert_line: fc.integer({ min: -1, max: 8 }),
    insert_text: text,
  }),
  fc.record({ command: fc.constant('delete' as const), path }),
  fc.record({ command: fc.constant('rename' as const), old_path: path, new_path: path }),
)

/** What a model reads: the answer, or the message of the error; `refused` where that is the operating system's own. */
async function heard(run: () => unknown): Promise<string> {
  try {
    return String(await run())
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    return code !== undefined && /^E[A-Z]+$/.test(code) ? 'refused' : message
  }
}

/** Directories of a file system have sizes of its own. */
function withoutSizes(answer: string): string {
  if (!answer.startsWith("Here're the files")) return answer
  return answer
    .split('\n')
    .map((line, at) => (at === 1 || line.endsWith('/') ? line.replace(/^\S+/, '4K') : line))
    .join('\n')
}

/** Directories below, as paths. */
function directoriesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
}

describeOnEachBackend('the memory tool of Anthropic', (test) => {
  const folders: string[] = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  let stores = 0

  async function bothTools(): Promise<
    [oracle: BetaLocalFilesystemMemoryTool, folder: string, ours: DatabaseMemoryTool]
  > {
    const folder = mkdtempSync(join(tmpdir(), 'opa-db-memory-'))
    folders.push(folder)
    const ours = databaseMemoryTool(test.db, { namespace: `store ${++stores}` })
    return [await BetaLocalFilesystemMemoryTool.init(folder), folder, ours]
  }

  const run = (handlers: DatabaseMemoryTool | BetaLocalFilesystemMemoryTool, command: Command) => () =>
    betaMemoryTool(handlers).run(command)

  it('answers word for word what the file system tool of the SDK answers', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 40 }), async (commands) => {
        const [oracle, folder, ours] = await bothTools()
        for (const command of commands) {
          const before = new Set(directoriesIn(folder))
          const expected = await heard(run(oracle, command))
          const came = await heard(run(ours, command))
          if (expected === 'refused') {
            // The operating system's words, with paths of this machine: ours says it in words of its own.
            expect(came).not.toMatch(/successfully|Here's|Here're|edited/i)
          } else expect(came, JSON.stringify(command)).toBe(withoutSizes(expected))
          // A failed rename leaves the directories behind that it made for the new path; ours changes nothing.
          if (command.command === 'rename' && !expected.startsWith('Successfully')) {
            const made = directoriesIn(folder).filter((directory) => !before.has(directory))
            for (const directory of made.sort().reverse()) rmdirSync(directory)
          }
        }
        const whole: Command = { command: 'view', path: '/memories' }
        expect(await heard(run(ours, whole))).toBe(withoutSizes(await heard(run(oracle, whole))))
      }),
      { numRuns: 40 },
    )
  })

  it('keeps files as memories that a search finds, by words and by directory', async () => {
    const tool = databaseMemoryTool(test.db, { namespace: 'ana' })
    await tool.create({
      command: 'create',
      path: '/memories/travel/seats.md',
      file_text: 'prefers the window',
    })
    await tool.create({
      command: 'create',
      path: '/memories/work/desk.md',
      file_text: 'a desk by the window',
    })
    await tool.create({ command: 'create', path: '/memories/empty.md', file_text: '' })
    const filter = { namespace: 'ana' }
    expect(await bm25Search(test.db, { queryText: 'window', filter })).toHaveLength(2)
    const travel = await bm25Search(test.db, { queryText: 'window', queryTags: ['/memories/travel'], filter })
    expect(travel.map(({ text }) => text)).toEqual(['prefers the window'])
    await tool.rename({ command: 'rename', old_path: '/memories/travel', new_path: '/memories/trips' })
    const trips = await bm25Search(test.db, { queryText: 'window', queryTags: ['/memories/trips'], filter })
    expect(trips.map(({ id }) => id)).not.toEqual(travel.map(({ id }) => id))
    expect(trips).toHaveLength(1)
    // What has no text is no memory.
    const { items } = await listMemories(test.db, { namespace: 'ana' })
    expect(items.map(({ metadata }) => metadata.path).sort()).toEqual([
      '/memories/trips/seats.md',
      '/memories/work/desk.md',
    ])
    await pruneExpired(test.db)
    expect(await tool.view({ command: 'view', path: '/memories/trips/seats.md' })).toContain(
      'prefers the window',
    )
  })

  it('never leaves its namespace, and touches no other memory', async () => {
    const ana = databaseMemoryTool(test.db, { namespace: 'n1' })
    const bob = databaseMemoryTool(test.db, { namespace: 'n2' })
    // A memory that only looks like a file, in the same namespace and with the same tag.
    await remember(test.db, {
      text: 'no file',
      namespace: 'n1',
      tags: ['/memories'],
      metadata: { path: '/memories/b.md' },
    })
    await ana.create({ command: 'create', path: '/memories/a.md', file_text: 'of Ana' })
    await bob.create({ command: 'create', path: '/memories/a.md', file_text: 'of Bob' })
    await bob.delete({ command: 'delete', path: '/memories/a.md' })
    expect(await ana.view({ command: 'view', path: '/memories/a.md' })).toContain('of Ana')
    expect(await ana.view({ command: 'view', path: '/memories' })).not.toContain('b.md')
    await expectRefusal(
      ana.view({ command: 'view', path: '/memories/b.md' }),
      NotFoundError,
      'does not exist',
    )
    for (const path of ['/memories/../../n2/a.md', '/memories/%2e%2e/%2e%2e/x', '/memories/\\..\\x']) {
      await heard(() => ana.delete({ command: 'delete', path }))
    }
    expect((await listMemories(test.db, { namespace: 'n1' })).items).toHaveLength(2)
  })

  it('refuses what a memory cannot hold, in words for a model', async () => {
    const tool = databaseMemoryTool(test.db, { namespace: 'limits' })
    const create = (path: string, file_text: string) => tool.create({ command: 'create', path, file_text })
    await create('/memories/full.md', 'x'.repeat(65_536))
    await expectRefusal(
      create('/memories/more.md', 'x'.repeat(65_537)),
      InvalidInputError,
      '65537 bytes',
      'split',
    )
    await expectRefusal(
      tool.insert({ command: 'insert', path: '/memories/full.md', insert_line: 0, insert_text: 'y' }),
      InvalidInputError,
      'split',
    )
    await expectRefusal(create('/memories/nul.md', 'a\0b'), InvalidInputError, 'NUL')
    await expectRefusal(create('/memories/n\0l.md', 'a'), InvalidInputError, 'NUL')
    await expectRefusal(create('/memories/full.md/below.md', 'a'), InvalidInputError, 'not a directory')
    await expectRefusal(() => databaseMemoryTool(test.db, { namespace: '' }), InvalidInputError, 'namespace')
  })
})

describeOnServer('the memory tool of Anthropic', (test) => {
  it('loses no edit of many at once', async () => {
    const { db } = await test.connectAgain(8)
    const tool = databaseMemoryTool(db, { namespace: 'many' })
    await tool.create({ command: 'create', path: '/memories/log.md', file_text: 'start' })
    const inserts = Array.from({ length: 20 }, (_, at) =>
      tool.insert({ command: 'insert', path: '/memories/log.md', insert_line: 1, insert_text: `line ${at}` }),
    )
    const creates = Array.from({ length: 20 }, (_, at) =>
      heard(() => tool.create({ command: 'create', path: `/memories/new/${at % 4}.md`, file_text: `${at}` })),
    )
    await Promise.all(inserts)
    const created = (await Promise.all(creates)).filter((answer) => answer.startsWith('File created'))
    expect(created).toHaveLength(4)
    const lines = (await tool.view({ command: 'view', path: '/memories/log.md' })).split('\n')
    expect(lines).toHaveLength(22)
  })
})
