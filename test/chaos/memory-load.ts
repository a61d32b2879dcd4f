import { setTimeout as sleep } from 'node:timers/promises'
import {
  beginModelChange,
  ConflictError,
  createMemory,
  type Database,
  embeddingModel,
  embedPending,
  finishModelChange,
  foldSearchStatistics,
  forget,
  InvalidInputError,
  supersede,
} from '../../src/index.ts'
import { stormEmbedders } from '../support/storm-embedders.ts'
import { zipfRows } from '../support/zipf-corpus.ts'
import type { Chaos } from './chaos.ts'
import { repeat, within } from './report.ts'

const texts = zipfRows(1500, { seed: 17, vocabulary: 800 }).map(({ text }) => text)
let written = 0

/** A text that no other memory has. */
function nextText(): string {
  written += 1
  return `${texts[Math.floor(Math.random() * texts.length)]} n${written}`
}

/** Remembers, edits, supersedes and forgets; about `rows` memories stay. */
export function writer(chaos: Chaos, name: string, rows: number): Promise<void> {
  const { ledger, report, primary, signal } = chaos
  const memory = createMemory(primary, stormEmbedders)
  /** Memories that are there for certain and are not superseded. */
  const living: string[] = []
  const superseded: string[] = []
  let last = 0
  const nextId = () => `${name}-${last++}`
  const add = (id: string) => {
    if (ledger.isCertain(id)) living.push(id)
  }

  /** Takes a memory out of the living: whatever happens to it, it is added again only when that is certain. */
  function take(): string | undefined {
    while (living.length > 0) {
      const [id] = living.splice(Math.floor(Math.random() * living.length), 1)
      if (id !== undefined && ledger.isCertain(id)) return id
    }
    return undefined
  }

  const remember = async () => {
    const [id, text] = [nextId(), nextText()]
    await ledger.write({ [id]: text }, () => within(40, memory.remember({ id, text })))
    add(id)
    report.count('remembered')
  }
  const rememberMany = async () => {
    const items = [1, 2, 3].map(() => ({ id: nextId(), text: nextText() }))
    const changes = Object.fromEntries(items.map(({ id, text }) => [id, text]))
    await ledger.write(changes, () => within(40, memory.rememberMany(items)))
    for (const { id } of items) add(id)
    report.count('remembered', items.length)
  }
  const edit = async (id: string) => {
    const text = nextText()
    await ledger.write({ [id]: text }, () => within(40, memory.remember({ id, text })))
    add(id)
    report.count('edited')
  }
  const replace = async (id: string) => {
    const [newId, text] = [nextId(), nextText()]
    const [before] = ledger.candidates(id)
    await ledger.write({ [id]: `${before} -> ${newId}`, [newId]: text }, () =>
      within(40, supersede(primary, { id, newId, text })),
    )
    add(newId)
    if (ledger.isCertain(id)) superseded.push(id)
    report.count('superseded')
  }
  const drop = async (id: string) => {
    const gone = await ledger.write({ [id]: null }, () => within(40, forget(primary, { ids: [id] })))
    report.check(gone.length === 1, `forget of ${id}, which was there, gave ${JSON.stringify(gone)}`)
    report.count('forgotten')
  }

  return repeat(`writer ${name}`, { report, signal, pause: 25 }, () => {
    for (const id of ledger.takeConfirmed(name)) {
      const [value] = ledger.candidates(id)
      if (value != null) (value.includes(' -> ') ? superseded : living).push(id)
    }
    const dice = Math.random()
    const isFull = living.length > rows
    if (dice < (isFull ? 0.05 : 0.35)) return remember()
    if (dice < (isFull ? 0.07 : 0.45)) return rememberMany()
    const past = superseded.length > rows / 5 ? superseded.pop() : undefined
    if (past !== undefined && ledger.isCertain(past)) return drop(past)
    const id = take()
    if (id === undefined) return remember()
    return dice < 0.65 ? edit(id) : dice < 0.75 ? replace(id) : drop(id)
  })
}

/** Folds now and then, in the way of nobody. */
export function folder({ primary, report, signal }: Chaos): Promise<void> {
  return repeat('fold', { report, signal, pause: 700 }, async () => {
    if ((await foldSearchStatistics(primary)) > 0) report.count('folds')
  })
}

/** Changes the model again and again, from where the database is: a lost history may have taken it back. */
export function modelChanger({ primary, report, signal }: Chaos): Promise<void> {
  return repeat('model change', { report, signal, pause: 3000 }, async () => {
    const { name, next } = await embeddingModel(primary)
    const at = stormEmbedders.findIndex(({ model }) => model === name)
    const target = next?.name ?? stormEmbedders[(at + 1) % stormEmbedders.length]?.model ?? ''
    await changeTo(primary, target, signal)
    if (!signal.aborted) report.count('changes of the model')
  })
}

/** Goes on until it is through: an index may still be in the making, rows be written by others all the while. */
async function changeTo(db: Database, target: string, signal: AbortSignal): Promise<void> {
  const embedder = stormEmbedders.find(({ model }) => model === target)
  if (embedder === undefined) throw new Error(`there is no embedder of ${target}`)
  while (!signal.aborted) {
    try {
      const { name, next } = await embeddingModel(db)
      if (name !== target) {
        if (next === null) await beginModelChange(db, { name: target, dimensions: embedder.dimensions })
        await embedPending(db, embedder, { batchSize: 200 })
      }
      if ((await finishModelChange(db, { batchSize: 200, embedder })).missed === 0) return
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
      await sleep(200)
    }
  }
}

/** Ends a change that is under way, and gives every memory its vector. */
export async function endModelChange({ primary, report }: Chaos): Promise<void> {
  const { signal } = new AbortController()
  const { name, next, since } = await embeddingModel(primary)
  if (next !== null) await changeTo(primary, next.name, signal)
  else if (since !== null) await finishModelChange(primary).catch(() => {})
  const current = next?.name ?? name
  const embedder = stormEmbedders.find(({ model }) => model === current)
  if (embedder === undefined) throw new Error(`there is no embedder of ${current}`)
  const { failed } = await embedPending(primary, embedder)
  report.check(failed.length === 0, `${failed.length} memories could not be embedded`)
}

/** Whether a search was overtaken by a change of the model, as it may be. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof InvalidInputError && error.message.includes('was replaced')
}
