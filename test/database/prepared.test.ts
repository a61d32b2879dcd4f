import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { expect, it } from 'vitest'
import { connect } from '../../src/database/connect.ts'
import { rowsOf } from '../../src/database/rows.ts'
import { claim, complete, type Database, enqueue, usePreparedStatements } from '../../src/index.ts'
import { describeOnServer } from '../support/backends.ts'

describeOnServer('prepared statements', (test) => {
  /** Runs a job through its life, and gives the names of what its one connection has prepared. */
  async function preparedBy(db: Database): Promise<unknown[]> {
    const queue = `prepared-${Math.random()}`
    for (let n = 0; n < 2; n += 1) {
      await enqueue(db, { intent: 'a', queue })
      // Also inside a transaction, which is another Drizzle object on the same connection.
      await db.transaction(async (transaction) => {
        const [job] = await claim(transaction, { queue, workerId: 'w' })
        if (job === undefined) throw new Error('expected a job')
        expect(await complete(transaction, { id: job.id, leaseToken: job.leaseToken })).toBe('ok')
      })
    }
    const rows = rowsOf(
      await db.execute(
        sql`SELECT name FROM pg_prepared_statements WHERE statement ~ '(enqueue|claim|complete)\\('`,
      ),
    )
    return rows.map(({ name }) => name)
  }

  async function withNodePostgres(work: (db: Database) => Promise<void>): Promise<void> {
    const pool = new pg.Pool({ connectionString: test.url, max: 1 })
    pool.on('error', () => {})
    try {
      await work(drizzle({ client: pool }))
    } finally {
      await pool.end()
    }
  }

  it('are used where the database was told so, once for each statement', async () => {
    await withNodePostgres(async (db) => {
      expect(await preparedBy(db)).toEqual([])
      usePreparedStatements(db)
      expect(await preparedBy(db)).toHaveLength(3)
    })
  })

  it('are used by connect, unless it is told otherwise', async () => {
    for (const [prepare, count] of [
      [true, 3],
      [false, 0],
    ] as const) {
      const { db, close } = await connect({ kind: 'server', url: test.url }, { maxConnections: 1, prepare })
      try {
        expect(await preparedBy(db)).toHaveLength(count)
      } finally {
        await close()
      }
    }
  })
})
