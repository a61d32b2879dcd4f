import { fileURLToPath } from 'node:url'
import { urlInSchema } from './database/location.ts'
import { defaultSchema, internalSchema, ledgerTable } from './database/schema-name.ts'

export interface OpaDrizzleConfigOptions {
  /** The server, as a `postgres://` URL. */
  readonly url: string
  /** The schema of the installation; `public` by default. */
  readonly schema?: string
}

/** What drizzle-kit 0.31 reads of a configuration to migrate. */
export interface OpaDrizzleConfig {
  readonly dialect: 'postgresql'
  /** The folder of the migrations, in this package. */
  readonly out: string
  /** The installation's own ledger, which no other project's migrations are compared with. */
  readonly migrations: { readonly schema: string; readonly table: string }
  readonly dbCredentials: { readonly url: string }
}

/**
 * The configuration by which `drizzle-kit migrate` brings a server to the version of this package, as `migrate(db)` and
 * `npx opa-db migrate` do. It has no schema, so `generate` and `push` by it find nothing to do.
 *
 * @example
 * // drizzle.opa.config.ts: npx drizzle-kit migrate --config drizzle.opa.config.ts
 * import { opaDrizzleConfig } from 'opa-db/drizzle-config'
 * export default opaDrizzleConfig({ url: process.env.DATABASE_URL })
 */
export function opaDrizzleConfig({ url, schema = defaultSchema }: OpaDrizzleConfigOptions): OpaDrizzleConfig {
  return {
    dialect: 'postgresql',
    out: fileURLToPath(new URL('../drizzle', import.meta.url)),
    migrations: { schema: internalSchema(schema), table: ledgerTable },
    dbCredentials: {
      url: urlInSchema({ kind: 'server', url, ...(schema !== defaultSchema && { schema }) }),
    },
  }
}
