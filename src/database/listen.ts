import { InvalidInputError } from '../errors.ts'
import type { Database } from './database.ts'
import { clientOf, isNodePostgresPool, isPostgresJs } from './own-client.ts'
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

/**
 * Calls back with the payload of each notification on a channel, over one connection for all listeners of a database. When
 * that is lost it is opened again, for as long as it takes, and `onNotify` then called with an empty payload.
 *
 * @returns a function that stops listening and never rejects.
 * @throws InvalidInputError if the driver cannot listen; DatabaseError if there is no connection.
 */
export async function listen(
  db: Database,
  channel: string,
  onNotify: OnNotify,
): Promise<() => Promise<void>> {
  const client = clientOf(db)
  if (isListening(client)) {
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
  let hub = hubs.get(client)
  if (hub === undefined) {
    hub = new ListenHub(open)
    hubs.set(client, hub)
  }
  return hub.add(channel, onNotify)
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
    for (let tries = 1; ; tries += 1) {
      try {
        await translatingErrors(() => this.#listenTo(channel))
        return () => this.#remove(channel, listener)
      } catch (error) {
        // A connection may be cut off while it is opened, as at any other time.
        if (tries < 4) await new Promise((next) => setTimeout(next, 100 * tries))
        else {
          await this.#remove(channel, listener)
          throw error
        }
      }
    }
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
