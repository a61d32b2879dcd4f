import { sql } from 'drizzle-orm'
import { queryRows, toNumber } from '../../database/rows.ts'
import { count, duration } from '../format.ts'
import { type Check, ok, warning, wrong } from './finding.ts'

/** A table may be a fifth dead before autovacuum comes; at half it does not. */
const muchDead = 0.5
const fewDead = 1000

export const vacuumCheck: Check = {
  name: 'autovacuum',
  async examine({ db, schema, internal, isEmbedded }) {
    if (isEmbedded) return ok('an embedded database has none: `VACUUM` by hand after much was deleted')
    const [settings] = await queryRows(
      db,
      sql`SELECT current_setting('autovacuum') = 'on' AS "on", current_setting('track_counts') = 'on' AS counting`,
    )
    if (settings?.on !== true || settings.counting !== true) {
      return wrong(
        'autovacuum is off: tables and indexes grow without end',
        'ALTER SYSTEM SET autovacuum = on, track_counts = on; SELECT pg_reload_conf()',
      )
    }
    const rows = await queryRows(
      db,
      sql`
        SELECT relation.oid::regclass::text AS name, n_dead_tup AS dead, n_live_tup AS live,
          'autovacuum_enabled=false' = ANY (COALESCE(reloptions, '{}')) OR 'autovacuum_enabled=off' = ANY (COALESCE(reloptions, '{}')) AS off
        FROM pg_class AS relation JOIN pg_stat_user_tables AS stat ON stat.relid = relation.oid
        WHERE relation.relkind = 'r' AND (
          relation.relnamespace = to_regnamespace(quote_ident(${schema}::text))
            AND relation.relname IN ('memory_items', 'jobs', 'job_attempts')
          OR relation.relnamespace = to_regnamespace(quote_ident(${internal}::text)) AND relation.relname LIKE 'search%'
        )
      `,
    )
    const off = rows.filter((row) => row.off === true).map((row) => String(row.name))
    if (off.length > 0) {
      return wrong(
        `autovacuum is off for ${off.join(', ')}`,
        off.map((name) => `ALTER TABLE ${name} RESET (autovacuum_enabled)`).join('; '),
      )
    }
    const bloated = rows.filter((row) => {
      const dead = toNumber(row.dead)
      return (
        dead > fewDead &&
        dead > toNumber(row.live) * muchDead &&
        String(row.name).includes('search') === false
      )
    })
    if (bloated.length > 0) {
      const words = bloated.map(
        (row) => `${row.name} (${count(toNumber(row.dead))} dead rows, ${count(toNumber(row.live))} live)`,
      )
      return warning(
        `autovacuum does not keep up with ${words.join(', ')}`,
        `VACUUM ${bloated.map((row) => row.name).join(', ')}; look for long transactions`,
      )
    }
    return ok('on, and keeps up')
  },
}

export const transactionsCheck: Check = {
  name: 'transactions',
  async examine({ db, longSeconds }) {
    const [row] = await queryRows(
      db,
      sql`
        SELECT max(extract(epoch FROM clock_timestamp() - xact_start)) AS seconds,
          (array_agg(pid ORDER BY xact_start))[1] AS pid, (array_agg(state ORDER BY xact_start))[1] AS state,
          (array_agg(COALESCE(application_name, '') ORDER BY xact_start))[1] AS application
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'
      `,
    )
    const [prepared] = await queryRows(
      db,
      sql`SELECT count(*) AS number, max(extract(epoch FROM clock_timestamp() - prepared)) AS seconds
        FROM pg_prepared_xacts WHERE database = current_database()`,
    )
    if (toNumber(prepared?.number) > 0 && toNumber(prepared?.seconds) > longSeconds) {
      return wrong(
        `a prepared transaction is ${duration(toNumber(prepared?.seconds))} old: it holds locks, and vacuum clears nothing since`,
        'SELECT gid FROM pg_prepared_xacts; then COMMIT PREPARED or ROLLBACK PREPARED',
      )
    }
    const seconds = row?.seconds === null || row?.seconds === undefined ? 0 : toNumber(row.seconds)
    if (seconds <= longSeconds) return ok(`none is older than ${duration(longSeconds)}`)
    const application = row?.application ? ` of "${row.application}"` : ''
    return warning(
      `a transaction${application} is ${duration(seconds)} old (${row?.state}): vacuum clears nothing that died since, and claims slow down`,
      `end it, or: SELECT pg_terminate_backend(${row?.pid})`,
    )
  },
}
