import { sql } from 'drizzle-orm'
import { queryRows, toNumber } from '../../database/rows.ts'
import { type Check, ok, warning, wrong } from './finding.ts'

/** The oldest major version that opa-db works with, and the newest that it was tested on. */
const oldest = 15
const newest = 18

export const serverCheck: Check = {
  name: 'server',
  async examine({ db }) {
    const [row] = await queryRows(
      db,
      sql`SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int / 10000 AS major,
        current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby`,
    )
    const version = String(row?.version)
    const major = toNumber(row?.major)
    if (major < oldest) {
      return wrong(`PostgreSQL ${version} is too old`, `upgrade the server to PostgreSQL ${oldest} or newer`)
    }
    if (row?.encoding !== 'UTF8') {
      return wrong(
        `the database's encoding is ${row?.encoding}`,
        "create one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
      )
    }
    if (row?.standby === true) {
      return warning(
        `PostgreSQL ${version}, a standby: it takes no writes`,
        'connect to the primary to write',
      )
    }
    if (major > newest) {
      return warning(
        `PostgreSQL ${version} is newer than this version of opa-db was tested on`,
        'upgrade opa-db',
      )
    }
    return ok(`PostgreSQL ${version}, UTF8`)
  },
}

const extensions = [
  { name: 'vector', oldest: [0, 8] },
  { name: 'pg_trgm', oldest: [1, 0] },
] as const

export const extensionsCheck: Check = {
  name: 'extensions',
  async examine({ db }) {
    const rows = await queryRows(
      db,
      sql`SELECT known.name, known.installed_version, known.default_version, extnamespace::regnamespace::text AS schema
        FROM pg_available_extensions AS known LEFT JOIN pg_extension ON extname = known.name
        WHERE known.name IN ('vector', 'pg_trgm')`,
    )
    const found = extensions.map(({ name, oldest: needed }) => {
      const row = rows.find((one) => one.name === name)
      const version = row?.installed_version
      if (typeof version !== 'string') {
        return wrong(
          `${name} is not installed${row === undefined ? ' on the server' : ' in this database'}`,
          row === undefined
            ? `install ${name === 'vector' ? 'pgvector 0.8 or newer' : 'the contrib modules'} on the server`
            : `as a superuser: CREATE EXTENSION ${name}`,
        )
      }
      const [major = 0, minor = 0] = version.split('.').map(Number)
      if (major < needed[0] || (major === needed[0] && minor < needed[1])) {
        return wrong(
          `${name} ${version} is too old`,
          `install a newer one, then ALTER EXTENSION ${name} UPDATE`,
        )
      }
      if (row?.default_version !== version) {
        return warning(
          `${name} ${version} in ${row?.schema}; the server has ${row?.default_version}`,
          `ALTER EXTENSION ${name} UPDATE`,
        )
      }
      return ok(`${name} ${version} in ${row?.schema}`)
    })
    return found.flat()
  },
}
