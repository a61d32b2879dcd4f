import { sql } from 'drizzle-orm'
import { queryRows, toDate } from '../../src/database/rows.ts'
import { internalSchema } from '../../src/database/schema-name.ts'
import type { Database } from '../../src/index.ts'
import { installation } from '../support/installation.ts'

/** The database's clock for jobs, under the test's control: it stands still until it is told to move. */
export interface Clock {
  now(): Promise<Date>
  advance(seconds: number): Promise<void>
}

/** Replaces `jobs_now()` in this database for good. */
export async function stopClock(db: Database, start = '2030-01-01T00:00:00Z'): Promise<Clock> {
  await db.execute(sql`CREATE TABLE test_clock (moment timestamptz NOT NULL)`)
  await db.execute(sql`INSERT INTO test_clock VALUES (${start}::text::timestamptz)`)
  await db.execute(
    sql.raw(`CREATE OR REPLACE FUNCTION ${internalSchema(installation.schema)}.jobs_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE
      AS 'SELECT moment FROM ${installation.schema}.test_clock'`),
  )
  return {
    now: async () => toDate((await queryRows(db, sql`SELECT moment FROM test_clock`))[0]?.moment),
    advance: async (seconds) => {
      await db.execute(
        sql`UPDATE test_clock SET moment = moment + make_interval(secs => ${String(seconds)}::text::float8)`,
      )
    },
  }
}
