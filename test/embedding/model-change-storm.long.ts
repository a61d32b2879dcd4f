import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { type Connection, connect } from '../../src/database/connect.ts'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'
import {
  createMemory,
  type Embedder,
  embeddingModel,
  embedPending,
  forget,
  InvalidInputError,
  rememberMany,
  useEmbeddingModel,
  useVectorIndex,
  vectorIndexHealth,
  vectorSearch,
} from '../../src/index.ts'
import { seededRandom } from '../../src/tuning/choose-fusion.ts'
import { describeOnServer, type TestServer } from '../support/backends.ts'
import { vectorOf } from '../support/embedding-server.ts'
import { startPgBouncer } from '../support/pgbouncer.ts'
import { stormEmbedders } from '../support/storm-embedders.ts'

/** STORM_ROWS=20000 for searches that go by the index; the exact scan serves small tables. */
const rows = Number(process.env.STORM_ROWS || 1200)
/** How often each change is killed. */
const kills = Number(process.env.STORM_KILLS || 2)
const words =
  'amber birch cedar delta ember flint grove haven inlet jade knoll lunar maple north ocean pearl'.split(' ')
const textOf = (at: number) =>
  Array.from({ length: 6 }, (_, word) => `${words[(at * 7 + word * 5) % 16]}${(at * (word + 3)) % 97}`).join(
    ' ',
  )

const [old, ...later] = stormEmbedders
const narrow = later[2]

/** Runs writers and searchers until it is stopped; whatever any of them meets that it should not is thrown. */
function storm(server: TestServer, connections: readonly Connection[]) {
  const stopped = new AbortController()
  const counts = { searches: 0, writes: 0 }
  const kept = new Map<string, string>()

  async function searcher(db: Database, seed: number): Promise<void> {
    const random = seededRandom(seed)
    const memory = createMemory(db, stormEmbedders)
    while (!stopped.signal.aborted) {
      const at = Math.floor(random() * rows)
      if (random() < 0.5) {
        const { memories, embedded } = await memory.recall(textOf(at), { k: 10 })
        expect(embedded).toBe(true)
        // The text itself is the nearest there is: at a lower similarity, vectors of two models were compared.
        const own = memories.find(({ id }) => id === `r${at}`)
        expect(own?.vectorScore, `r${at}`).toBeGreaterThan(0.999)
      } else {
        // As a service that asks which model is in use, and may be overtaken by the switch.
        const { name } = await embeddingModel(db)
        const embedder = stormEmbedders.find(({ model }) => model === name) as Embedder
        const [queryEmbedding] = await embedder.embed([textOf(at)])
        try {
          const found = await vectorSearch(db, {
            queryEmbedding: queryEmbedding as Float32Array,
            filter: { model: embedder.model },
          })
          expect(found).toHaveLength(10)
          expect(found.find(({ id }) => id === `r${at}`)?.similarity).toBeGreaterThan(0.999)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInputError)
          expect((error as Error).message).toContain(`the model "${embedder.model}" was replaced`)
        }
      }
      counts.searches += 1
      await sleep(5)
    }
  }

  async function writer(db: Database, seed: number): Promise<void> {
    const random = seededRandom(seed)
    const memory = createMemory(db, stormEmbedders)
    for (let turn = 0; !stopped.signal.aborted; turn++) {
      const id = `w${seed}-${turn}`
      const text = `${textOf(turn)} by ${seed}`
      if (turn % 3 === 0) {
        await memory.rememberMany([0, 1, 2].map((part) => ({ id: `${id}-${part}`, text: `${text} ${part}` })))
        for (const part of [0, 1, 2]) kept.set(`${id}-${part}`, `${text} ${part}`)
      } else {
        await memory.remember({ id, text })
        kept.set(id, text)
      }
      const before = `w${seed}-${turn - 2}`
      if (kept.has(before) && random() < 0.5) {
        await memory.remember({ id: before, text: `${textOf(turn)} changed by ${seed}` })
        kept.set(before, `${textOf(turn)} changed by ${seed}`)
      } else if (kept.has(before)) {
        await forget(db, { ids: [before] })
        kept.delete(before)
      }
      counts.writes += 1
      await sleep(20)
    }
  }

  const tasks = [
    ...connections.map(({ db }, at) => searcher(db, at + 1)),
    ...[11, 12, 13, 14].map((seed) => writer(server.db, seed)),
  ]
  // Whoever fails ends all.
  const all = Promise.all(tasks)
  all.catch(() => stopped.abort())
  return {
    counts,
    kept,
    stopped: stopped.signal,
    async stop() {
      stopped.abort()
      await all
    },
  }
}

const script = fileURLToPath(new URL('model-change-worker.ts', import.meta.url))

/** Changes the model in a process of its own, which is killed and started again some times before it may end. */
async function changeTo(url: string, model: string, random: () => number): Promise<void> {
  for (let started = 0; ; started++) {
    const worker = spawn(process.execPath, ['--import', 'tsx', script, url, model], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const ended = once(worker, 'exit')
    if (started < kills) {
      // Starting takes about a second; what is left falls anywhere into the change.
      const pause = new AbortController()
      await Promise.race([
        ended,
        sleep(1500 + 3000 * random(), undefined, { signal: pause.signal }).catch(() => {}),
      ])
      pause.abort()
      worker.kill('SIGKILL')
    }
    const [status, signal] = await ended
    if (status === 0) return
    expect(signal, `status ${status}`).toBe('SIGKILL')
  }
}

describeOnServer('changes of the model under load', (server) => {
  it('fail no search, lose no row and mix nothing, whenever they are killed', async () => {
    await useEmbeddingModel(server.db, { name: 'old', dimensions: 96 })
    await useVectorIndex(server.db, 'none')
    const texts = Array.from({ length: rows }, (_, at) => textOf(at))
    const vectors = await old.embed(texts)
    const items = texts.map((text, at) => ({ id: `r${at}`, text, embedding: vectors[at] as Float32Array }))
    await rememberMany(server.db, { items, model: 'old' })
    await useVectorIndex(server.db, 'hnsw')
    await server.db.execute(sql`ANALYZE memory_items`)

    const bouncer = await startPgBouncer(server.url)
    const pooled =
      bouncer && (await connect({ kind: 'server', url: bouncer.url }, { maxConnections: 3, prepare: false }))
    const connections = await Promise.all([1, 2, 3].map(() => server.connectAgain(2)))
    const load = storm(server, pooled ? [...connections, pooled] : connections)
    try {
      const random = seededRandom(5)
      for (const { model } of later) {
        await changeTo(server.url, model, random)
        expect(load.stopped.aborted).toBe(false)
        const health = await vectorIndexHealth(server.db, { sample: 40 })
        expect(health.recall).toBeGreaterThanOrEqual(0.98)
        expect(health.leftovers).toEqual([])
      }
    } finally {
      await load.stop()
      await pooled?.close()
      await bouncer?.stop()
    }

    await embedPending(server.db, narrow)
    expect(load.counts.searches).toBeGreaterThan(100)
    const stored = await queryRows(
      server.db,
      sql`SELECT id, text, embedding::text AS embedding, next_embedding, embedding_model AS model FROM memory_items`,
    )
    const model = (await embeddingModel(server.db)).id
    const found = new Map(stored.map((row) => [String(row.id), row]))
    expect(found.size).toBe(rows + load.kept.size)
    for (const [id, text] of [...load.kept, ...texts.map((text, at) => [`r${at}`, text] as const)]) {
      const row = found.get(id)
      expect(row).toMatchObject({ text, next_embedding: null, model })
      expect(JSON.parse(String(row?.embedding))).toEqual(Array.from(vectorOf(text, 64)))
    }
  }, 400_000)
})
