import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { eq } from 'drizzle-orm'
import { bm25Search, connect, enqueue, migrate, OpaError, remember, type Worker, work } from 'opa-db'
import * as schema from './schema.ts'

const { notes, summaries, users } = schema

const connection = await connect({ kind: 'server', url: process.env.DATABASE_URL ?? '' }, { schema })
const { db } = connection
// The deploy has migrated already: this finds nothing to do, or says what is wrong.
await migrate(db)

type Body = Readonly<Record<string, string>>

const routes: Record<string, (body: Body, query: URLSearchParams) => Promise<unknown>> = {
  'POST /users': async ({ id = '', name = '' }) => {
    await db.insert(users).values({ id, name })
    return { id }
  },

  /** The note and its memory, both or neither. */
  'POST /notes': ({ userId = '', title = '', text = '' }) =>
    db.transaction(async (transaction) => {
      const memory = await remember(transaction, { namespace: userId, text })
      const [note] = await transaction
        .insert(notes)
        .values({ userId, title, memoryId: memory.id })
        .returning({ id: notes.id, memoryId: notes.memoryId })
      return note
    }),

  'GET /search': async (_body, query) => {
    const found = await bm25Search(db, {
      queryText: query.get('q') ?? '',
      filter: { namespace: query.get('user') ?? '' },
    })
    return Promise.all(
      found.map(async ({ id, text, score }) => {
        const [note] = await db.select({ title: notes.title }).from(notes).where(eq(notes.memoryId, id))
        return { title: note?.title, text, score }
      }),
    )
  },

  /** The row and its job, both or neither. */
  'POST /summaries': ({ userId = '' }) =>
    db.transaction(async (transaction) => {
      const job = await enqueue(transaction, { intent: 'summarise', queue: 'example', inputs: { userId } })
      const [summary] = await transaction
        .insert(summaries)
        .values({ userId, jobId: job.id })
        .returning({ id: summaries.id, jobId: summaries.jobId })
      return summary
    }),

  'GET /summaries': async (_body, query) =>
    db
      .select()
      .from(summaries)
      .where(eq(summaries.id, Number(query.get('id')))),
}

const worker: Worker = work(
  db,
  {
    summarise: async (job) => {
      const titles = await db
        .select({ title: notes.title })
        .from(notes)
        .where(eq(notes.userId, String(job.inputs.userId)))
      const text = titles.map(({ title }) => title).join('; ')
      await db.update(summaries).set({ text }).where(eq(summaries.jobId, job.id))
      return { notes: titles.length }
    },
  },
  { queue: 'example', onError: console.error },
)

const server = createServer((request, response) => void answer(request, response))
server.listen(Number(process.env.PORT ?? 3000), () =>
  console.log(`listening on ${JSON.stringify(server.address())}`),
)
process.once('SIGTERM', async () => {
  server.close()
  await worker.stop()
  await connection.close()
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const send = (status: number, value: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  try {
    const route = routes[`${request.method} ${url.pathname}`]
    if (route === undefined) return void send(404, { error: 'not found' })
    send(200, await route(await bodyOf(request), url.searchParams))
  } catch (error) {
    const isInput = error instanceof OpaError && error.code === 'invalid_input'
    if (!isInput) console.error(error)
    send(isInput ? 400 : 500, { error: isInput ? error.message : 'failed' })
  }
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text === '' ? {} : JSON.parse(text)
}
