import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { InvalidInputError } from '../errors.ts'
import type { Database } from './database.ts'
import { clientOf, isNodePostgresPool, isPostgresJs } from './own-client.ts'
import { queryRows } from './rows.ts'
import { defaultSchema, schemaOf } from './schema-name.ts'
import { translatingErrors } from './translate-error.ts'

/** Called with the payload of a notification; with an empty one when some may have been missed: look for yourself. */
export type OnNotify = (payload: string) => void

/** A connection that only listens. */
interface ListenConnection {
  execute(statement: string): Promise<unknown>
  close(): Promise<unknown>
}

interface ConnectionEvents {
  readonly onNotify: (channel: string, payload: string) => void
  readonly onLost: () => void
}

type Open = (events: ConnectionEvents) => Promise<ListenConnection>

const hubs = new WeakMap<object, ListenHub>()

/** What this package's triggers notify of. */
type Channel = 'opa_jobs_ready' | 'opa_jobs_ended' | 'opa_job_events'

/** The name that a channel has in an installation's schema, as notification_channel() of the database gives it. */
function notificationChannel(channel: Channel, schema: string): string {
  if (schema === defaultSchema) return channel
  const isPlain = /^[a-z_][a-z0-9_]{0,39}$/.test(schema)
  return `${channel}_${isPlain ? schema : createHash('md5').update(schema).digest('hex')}`
}

/** The installation's schema: as it was named, or where the connection's path finds its jobs. */
async function installedSchema(db: Database): Promise<string> {
  const named = schemaOf(db)
  if (named !== undefined) return named
  const [found] = await queryRows(
    db,
    sql`SELECT nspname AS schema
      FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE pg_class.oid = to_regclass('jobs')`,
  )
  return found === undefined ? defaultSchema : String(found.schema)
}

/**
 * Calls back with the payload of each notification on a channel of the installation, over one connection for all listeners
 * of a database. When that is lost it is opened again, for as long as it takes, and `onNotify` then called with an empty
 * payload.
 *
 * @returns a function that stops listening and never rejects.
 * @throws InvalidInputError if the driver cannot listen; DatabaseError if there is no connection.
 */
export async function listen(db: Database, name: Channel, onNotify: OnNotify): Promise<() => Promise<void>> {
  const client = clientOf(db)
  if (isListening(client)) {
    const channel = notificationChannel(name, await installedSchema(db))
    // PGlite: in this process, there is no connection to lose.
    const stop = await client.listen(channel, onNotify)
    return () => stop().catch(() => {})
  }
  const open = opener(client)
  if (open === undefined || client === null || (typeof client !== 'object' && typeof client !== 'function')) {
    throw new InvalidInputError(
      'to listen, db must be a Drizzle database over postgres.js, a Pool of node-postgres, or PGlite; got one that cannot',
    )
  }
  const channel = notificationChannel(name, await persistently(() => installedSchema(db)))
  let hub = hubs.get(client)
  if (hub === undefined) {
    hub = new ListenHub(open)
    hubs.set(client, hub)
  }
  return hub.add(channel, onNotify)
}

/** A connection may be cut off while it is opened, as at any other time: four tries, in more than half a second. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (tries === 4) throw error
      await new Promise((next) => setTimeout(next, 100 * tries))
    }
  }
}

interface ListeningClient {
  listen(channel: string, onNotify: OnNotify): Promise<() => Promise<void>>
}

function isListening(client: unknown): client is ListeningClient {
  return typeof client === 'object' && client !== null && 'listen' in client && 'execProtocolRaw' in client
}

function opener(client: unknown): Open | undefined {
  if (isPostgresJs(client)) return (events) => openPostgresJs(client.options, events)
  if (isNodePostgresPool(client)) return (events) => openNodePostgres(client, events)
  return undefined
}

async function openPostgresJs(
  options: object,
  { onNotify, onLost }: ConnectionEvents,
): Promise<ListenConnection> {
  const { default: postgres } = await import('postgres')
  const parsed = { ...options, max: 1, idle_timeout: null, max_lifetime: null, fetch_types: false }
  const sql = postgres({ ...parsed, onnotify: onNotify, onclose: onLost } as never)
  return { execute: (statement) => sql.unsafe(statement), close: () => sql.end({ timeout: 0 }) }
}

interface NodePostgresClient {
  connect(): Promise<unknown>
  query(statement: string): Promise<unknown>
  end(): Promise<unknown>
  on(event: 'notification', listener: (message: { channel: string; payload?: string }) => void): void
  on(event: 'error' | 'end', listener: () => void): void
}

async function openNodePostgres(
  pool: object,
  { onNotify, onLost }: ConnectionEvents,
): Promise<ListenConnection> {
  const { Client, options } = pool as {
    Client: new (options: object) => NodePostgresClient
    options: { password?: unknown }
  }
  const client = new Client({ ...options, password: options.password })
  client.on('notification', ({ channel, payload = '' }) => onNotify(channel, payload))
  client.on('error', onLost)
  client.on('end', onLost)
  await client.connect()
  return { execute: (statement) => client.query(statement), close: () => client.end() }
}

/** Everything that listens over one database. */
class ListenHub {
  readonly #open: Open
  readonly #listeners = new Map<string, Set<OnNotify>>()
  #connection: Promise<ListenConnection> | undefined
  #isReconnecting = false

  constructor(open: Open) {
    this.#open = open
  }

  async add(channel: string, onNotify: OnNotify): Promise<() => Promise<void>> {
    // Each its own function, so that one that is given twice is called twice and removed once.
    const listener: OnNotify = (payload) => onNotify(payload)
    this.#of(channel).add(listener)
    try {
      await persistently(() => translatingErrors(() => this.#listenTo(channel)))
    } catch (error) {
      await this.#remove(channel, listener)
      throw error
    }
    return () => this.#remove(channel, listener)
  }

  #of(channel: string): Set<OnNotify> {
    let set = this.#listeners.get(channel)
    if (set === undefined) {
      set = new Set()
      this.#listeners.set(channel, set)
    }
    return set
  }

  async #listenTo(channel: string): Promise<void> {
    const connection = await this.#connect()
    await connection.execute(`LISTEN "${channel}"`)
  }

  #connect(): Promise<ListenConnection> {
    if (this.#connection === undefined) {
      const connection: Promise<ListenConnection> = this.#open({
        onNotify: (channel, payload) => this.#notify(channel, payload),
        onLost: () => this.#lose(connection),
      })
      connection.catch(() => this.#lose(connection))
      this.#connection = connection
    }
    return this.#connection
  }

  #notify(channel: string, payload: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(payload)
  }

  #lose(connection: Promise<ListenConnection>): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    void connection.then((lost) => lost.close()).catch(() => {})
    void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    if (this.#isReconnecting) return
    this.#isReconnecting = true
    for (let pause = 50; this.#listeners.size > 0; pause = Math.min(pause * 2, 5000)) {
      await new Promise((next) => setTimeout(next, pause))
      try {
        for (const channel of this.#listeners.keys()) await this.#listenTo(channel)
        // Whatever was sent meanwhile is lost.
        for (const channel of this.#listeners.keys()) this.#notify(channel, '')
        if (this.#connection !== undefined) break
      } catch {
        // Not back yet.
      }
    }
    this.#isReconnecting = false
  }

  async #remove(channel: string, listener: OnNotify): Promise<void> {
    const set = this.#listeners.get(channel)
    if (set === undefined) return
    set.delete(listener)
    if (set.size > 0) return
    this.#listeners.delete(channel)
    const connection = this.#connection
    if (connection === undefined) return
    if (this.#listeners.size === 0) this.#connection = undefined
    try {
      const open = await connection
      if (this.#connection === connection) {
        if (!this.#listeners.has(channel)) await open.execute(`UNLISTEN "${channel}"`)
      } else await open.close()
    } catch {
      // The connection is lost, and listens to nothing more.
    }
  }
}
