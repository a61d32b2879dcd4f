import { afterAll, beforeAll, expect, it } from 'vitest'
import { embeddingModel, listMemories } from '../../src/index.ts'
import { builtCommand, run } from '../support/command.ts'
import { describeCommandsOnServer } from '../support/command-databases.ts'
import { type EmbeddingServer, startEmbeddingServer } from '../support/embedding-server.ts'

const length = 768
let server: EmbeddingServer
beforeAll(async () => {
  builtCommand()
  server = await startEmbeddingServer(length)
})
afterAll(() => server.close())

describeCommandsOnServer('the command with an embedder', (database) => {
  const configured = () => ({
    OPA_EMBEDDER_URL: server.url,
    OPA_EMBEDDER_MODEL: 'some-model',
    OPA_EMBEDDER_DIMENSIONS: String(length),
    OPA_EMBEDDER_KEY: 'secret',
  })
  const opaDb = (...words: string[]) => run(words, database.in({ env: configured() }))
  const vectors = () =>
    database.with(async (db) => (await listMemories(db)).items.map(({ embedding }) => embedding?.length ?? 0))

  it('embeds what is added; a database without vectors takes the model', async () => {
    const added = await opaDb('add', 'Ana prefers window seats', '--json')
    expect(JSON.parse(added.stdout)).toMatchObject({ created: true, embedded: true })
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer secret')
    expect(await database.with((db) => embeddingModel(db))).toMatchObject({
      name: 'some-model',
      dimensions: length,
    })
    expect(await vectors()).toEqual([length])
  })

  it('searches by words and by meaning, and by words alone where the embedder is away, saying so', async () => {
    const { stdout } = await opaDb('search', 'window seats')
    expect(stdout.split('\n')[0]).toMatch(/score +words +meaning +id +memory/)
    server.always((_, response) => response.writeHead(400).end('{}'))
    const alone = await opaDb('search', 'window seats')
    const kept = await opaDb('add', 'Bob likes plums')
    server.always(undefined)
    expect(alone).toMatchObject({ code: 0 })
    expect(alone.stdout).toContain('*window*')
    expect(alone.stderr).toContain('by keyword alone')
    expect(kept).toMatchObject({ code: 0 })
    expect(kept.stderr).toContain('Later: opa-db embed')
    expect(await vectors()).toEqual([0, length])
  })

  it('makes the vectors that are missing, after an import too', async () => {
    const made = await opaDb('embed')
    expect(made).toMatchObject({ code: 0, stderr: '' })
    expect(made.stdout).toMatch(/^made 1 vector with some-model in /)
    const input = '{"text": "Cleo sings"}\n{"text": "Dora paints"}\n'
    const imported = await run(['import'], database.in({ env: configured(), input }))
    expect(imported.stdout).toMatch(/^imported 2 new memories in .*\nmade 2 vectors with some-model in /)
    expect(await vectors()).toEqual([length, length, length, length])
  })

  it('refuses another model where there are vectors, and says how to change it', async () => {
    const refused = await run(
      ['add', 'x'],
      database.in({ env: { ...configured(), OPA_EMBEDDER_MODEL: 'other' } }),
    )
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /vectors of "some-model" \(768 dimensions\).*"other" \(768 dimensions\).*opa-db model begin/,
    )
  })

  it('changes the model while the old one serves', { timeout: 120_000 }, async () => {
    const other = { ...configured(), OPA_EMBEDDER_MODEL: 'other' }
    const opaDb = (...words: string[]) => run(words, database.in({ env: other }))
    expect((await opaDb('model', 'begin')).stdout).toMatch(/changing to +other, 768 dimensions/)
    const early = await run(['model', 'finish'], database.in({ env: configured() }))
    expect(early).toMatchObject({ code: 1, stdout: '' })
    expect(early.stderr).toContain('4 memories have no vector')
    expect((await opaDb('embed', '--limit', '3')).stdout).toMatch(/^made 3 vectors with other/)
    // What is left is embedded by the embedder of the new model, which is the configured one.
    const finished = await opaDb('model', 'finish')
    expect(finished).toMatchObject({ code: 0, stderr: '' })
    expect(finished.stdout).toMatch(/^model +other, 768 dimensions\n$/)
    expect(await vectors()).toEqual([length, length, length, length])
  })
})
