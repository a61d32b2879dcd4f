import { existsSync } from 'node:fs'
import { loadEnvFile } from 'node:process'
import { ConfigurationError } from '../errors.ts'
import { checkedSchema, quoteIdentifier } from './schema-name.ts'

/** Where a database is: a server by its URL, or a PGlite of this process in a folder (or in memory). */
export type DatabaseLocation = ServerLocation | EmbeddedLocation

export interface ServerLocation {
  readonly kind: 'server'
  /** A `postgres://` URL. */
  readonly url: string
  /** The schema of the installation; the search_path decides where none is named. */
  readonly schema?: string
}

export interface EmbeddedLocation {
  readonly kind: 'embedded'
  /** A folder, made when it is not there; `memory://` keeps nothing. */
  readonly dataDir: string
  /** The schema of the installation; `public` where none is named. */
  readonly schema?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Reads `.env` of the working directory, if there is one, into the process's environment; what is set already stays. */
export function readEnvironment(): Environment {
  if (existsSync('.env')) loadEnvFile('.env')
  return process.env
}

/**
 * Decides where the database is: `DATABASE_URL`; else `POSTGRES_HOST`, `POSTGRES_PORT`, `POSTGRES_DB`,
 * `POSTGRES_USER`, `POSTGRES_PASSWORD`, any of them; else an embedded PGlite in `OPA_DATA_DIR`, by default `.opa`.
 * `OPA_SCHEMA` names the schema of the installation. An empty variable counts as not set.
 *
 * @throws ConfigurationError if a value cannot be right.
 * @example
 * resolveLocation({ POSTGRES_HOST: 'db', POSTGRES_PASSWORD: 'secret' })
 * // { kind: 'server', url: 'postgres://opa:secret@db:5432/opa' }
 */
export function resolveLocation(environment: Environment): DatabaseLocation {
  const value = (name: string) => environment[name] || undefined
  const named = value('OPA_SCHEMA')
  const schema = named === undefined ? {} : { schema: checkedSchema(named) }
  const url = value('DATABASE_URL')
  if (url !== undefined) return { kind: 'server', url: checkedUrl(url), ...schema }

  const parts = ['HOST', 'PORT', 'DB', 'USER', 'PASSWORD'].map((part) => value(`POSTGRES_${part}`))
  if (parts.some((part) => part !== undefined)) {
    const [host = 'localhost', port = '5432', database = 'opa', user = 'opa', password = ''] = parts
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) {
      throw new ConfigurationError(`POSTGRES_PORT must be a port from 1 to 65535, got "${port}"`)
    }
    const credentials = [user, password].filter((part) => part !== '').map(encodeURIComponent)
    return {
      kind: 'server',
      url: checkedUrl(
        `postgres://${credentials.join(':')}@${urlHost(host)}:${port}/${encodeURIComponent(database)}`,
      ),
      ...schema,
    }
  }
  return { kind: 'embedded', dataDir: value('OPA_DATA_DIR') ?? '.opa', ...schema }
}

/** IPv6 addresses and socket folders need care in a URL. */
function urlHost(host: string): string {
  if (host.startsWith('/')) return encodeURIComponent(host)
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

function checkedUrl(url: string): string {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new ConfigurationError(
      `DATABASE_URL must start with postgres:// or postgresql://, got "${withoutPassword(url)}"`,
    )
  }
  return url
}

/** A URL that may be shown: without its password. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z]+:\/\/[^:@/]*):.*@/i, '$1@')
}

/** In words, for people. */
export function describeLocation(location: DatabaseLocation): string {
  return location.kind === 'server'
    ? `the server ${withoutPassword(location.url)}`
    : `the embedded database in ${location.dataDir}`
}

/** Whether a server is on this machine, as far as its URL tells. */
export function isLocalServer(url: string): boolean {
  const host = decodeURIComponent(/^[a-z]+:\/\/(?:.*@)?(\[[^\]]*\]|[^:/?]*)/i.exec(url)?.[1] ?? '')
  return (
    host === '' ||
    host === 'localhost' ||
    host === '[::1]' ||
    host.startsWith('/') ||
    /^127(\.\d{1,3}){3}$/.test(host)
  )
}

/**
 * The URL of a server with the schema of the installation at the head of its search_path, for programs that know nothing
 * but a URL, such as drizzle-kit.
 */
export function urlInSchema({ url, schema }: ServerLocation): string {
  if (schema === undefined) return url
  const value = (text: string) => text.replace(/[\\ ]/g, '\\$&')
  // The migrations go where opa.schema says, whether or not the schema is there yet.
  const options = `-c search_path=${value(quoteIdentifier(schema))},public,extensions -c opa.schema=${value(schema)}`
  return `${url}${url.includes('?') ? '&' : '?'}options=${encodeURIComponent(options)}`
}
