import { sql } from 'drizzle-orm'
import { beforeEach, expect, it } from 'vitest'
import { queryRow } from '../../src/database/rows.ts'
import {
  beginModelChange,
  ConfigurationError,
  ConflictError,
  cancelModelChange,
  createMemory,
  type Embedder,
  EmbedderError,
  embeddingModel,
  finishModelChange,
  remember,
  useEmbeddingModel,
  vectorSearch,
} from '../../src/index.ts'
import { describeOnEachBackend, describeOnServer, type TestDatabase } from '../support/backends.ts'
import { dimensions } from '../support/dimensions.ts'
import { vectorOf, wordEmbedder } from '../support/embedding-server.ts'
import { expectRefusal } from '../support/fixtures.ts'

const old = wordEmbedder('old')
const next = wordEmbedder('next', 96)

function beginsWith40(test: TestDatabase): void {
  beforeEach(async () => {
    if ((await embeddingModel(test.db)).next) await cancelModelChange(test.db)
    await test.db.execute(sql`TRUNCATE memory_items`)
    await useEmbeddingModel(test.db, { name: 'old', dimensions })
    const items = Array.from({ length: 40 }, (_, at) => ({ id: `m${at}`, text: `number ${at}` }))
    await createMemory(test.db, old).rememberMany(items)
    await beginModelChange(test.db, { name: 'next', dimensions: 96 })
  })
}

/** Vectors as stored, and as searched. */
async function vectors(test: TestDatabase): Promise<unknown> {
  const { stored } = await queryRow(
    test.db,
    sql`SELECT count(*)::integer AS stored FROM memory_items WHERE vector_dims(embedding) = 96`,
  )
  const found = await vectorSearch(test.db, { queryEmbedding: vectorOf('number', 96), k: 1000 })
  return [stored, found.length]
}

describeOnEachBackend('a change that is finished with the embedder at hand', (test) => {
  beginsWith40(test)

  it('fills what is pending', async () => {
    expect(await finishModelChange(test.db, { embedder: next })).toMatchObject({
      name: 'next',
      switched: true,
    })
    expect(await vectors(test)).toEqual([40, 40])
  })

  it('is refused an embedder of another model', async () => {
    const refused = finishModelChange(test.db, { embedder: old })
    await expectRefusal(refused, ConfigurationError, 'of the next model, "next"', '"old"')
    const unknown = finishModelChange(test.db, { embedder: wordEmbedder('third', 96) })
    await expectRefusal(unknown, ConfigurationError, '"third"')
  })

  it('is not switched while the embedder is down, or refuses a memory, unless that is accepted', async () => {
    const down: Embedder = {
      ...next,
      embed: async () => {
        throw new EmbedderError('the service is down', { blames: 'service' })
      },
    }
    await expectRefusal(finishModelChange(test.db, { embedder: down }), EmbedderError, 'the service is down')
    const picky: Embedder = {
      ...next,
      embed: async (texts, options) => {
        if (texts.includes('number 7')) throw new EmbedderError('too long', { blames: 'texts' })
        return next.embed(texts, options)
      },
    }
    const refused = finishModelChange(test.db, { embedder: picky })
    await expectRefusal(refused, ConflictError, 'the embedder refused 1 memories, "m7" among them')
    expect(await embeddingModel(test.db)).toMatchObject({ name: 'old', next: { name: 'next' } })
    const accepted = await finishModelChange(test.db, { embedder: down, acceptPending: true })
    expect(accepted).toMatchObject({ name: 'next', switched: true })
    expect(await vectors(test)).toEqual([39, 39])
  })
})

describeOnServer('a change under writers that never pause', (server) => {
  beginsWith40(server)

  it('embeds before the switch, and the last within it, what was written since', async () => {
    let written = 0
    const meanwhile: Embedder = {
      ...next,
      embed: async (texts, options) => {
        // As another process would, after the rows to embed were read; the third time, writers wait.
        if (written < 2)
          await remember(server.db, { id: `late${written++}`, text: 'late', embedding: vectorOf('late') })
        return next.embed(texts, options)
      },
    }
    expect(await finishModelChange(server.db, { embedder: meanwhile })).toMatchObject({ switched: true })
    expect(written).toBe(2)
    expect(await vectors(server)).toEqual([42, 42])
  })

  it('ends when it is told to, with nothing switched, and is taken up again', async () => {
    const controller = new AbortController()
    const slow: Embedder = {
      ...next,
      embed: async (texts, options) => {
        controller.abort()
        return next.embed(texts, options)
      },
    }
    const stopped = finishModelChange(server.db, { embedder: slow, signal: controller.signal })
    await expect(stopped).rejects.toThrow()
    expect(await embeddingModel(server.db)).toMatchObject({ name: 'old', next: { name: 'next' } })
    expect(await finishModelChange(server.db, { embedder: next })).toMatchObject({ switched: true })
  })

  it('is finished with the embedder at hand, and no memory is without its vector at any moment', async () => {
    const memory = createMemory(server.db, [old, next])
    const stopped = new AbortController()
    let written = 0
    const writers = [1, 2, 3].map(async (writer) => {
      for (let turn = 0; !stopped.signal.aborted; turn++) {
        const { embedded } = await memory.remember({
          id: `w${writer}-${turn}`,
          text: `number ${turn} of ${writer}`,
        })
        expect(embedded).toBe(true)
        written += 1
      }
    })
    const { db } = await server.connectAgain(3)
    let most = 0
    const watcher = (async () => {
      while (!stopped.signal.aborted) {
        const { behind } = await queryRow(
          db,
          sql`
            SELECT count(*)::integer AS behind FROM memory_items AS m, current_embedding_model() AS model
            WHERE model.id IS DISTINCT FROM m.embedding_model AND model.id IS DISTINCT FROM m.next_embedding_model
          `,
        )
        most = Math.max(most, Number(behind))
      }
    })()
    const finished = await finishModelChange(server.db, { embedder: next })
    expect(finished).toMatchObject({ name: 'next', switched: true })
    const before = written
    while (written < before + 20) await new Promise((resolve) => setTimeout(resolve, 5))
    stopped.abort()
    await Promise.all([...writers, watcher])
    expect(most).toBe(0)
    const { rows } = await queryRow(server.db, sql`SELECT count(*)::integer AS rows FROM memory_items`)
    expect(rows).toBe(40 + written)
  })
})
