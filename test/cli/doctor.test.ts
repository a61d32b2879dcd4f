import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { beforeAll, expect, inject, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { claim, type Database, enqueue, reindexSearch, remember } from '../../src/index.ts'
import { builtCommand, run } from '../support/command.ts'
import { describeCommandsOnEachBackend, describeCommandsOnServer } from '../support/command-databases.ts'
import { withAdmin } from '../support/server-setup.ts'

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'wrong'
  readonly message: string
  readonly advice?: string
}

beforeAll(() => {
  builtCommand()
})

const vector = Array.from({ length: 384 }, (_, at) => Math.cos(at))

describeCommandsOnEachBackend('opa-db doctor on a healthy database', (database) => {
  it('says ok on every line, and exits with 0', async () => {
    await database.with(async (db) => {
      await remember(db, { text: 'Ana prefers window seats', embedding: vector })
      await enqueue(db, { queue: 'documents', intent: 'summarise', runAt: new Date(Date.now() + 3_600_000) })
    })
    const { code, stdout, stderr } = await run(['doctor', '--strict'], database.in())
    const lines = stdout.trimEnd().split('\n')
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([])
    expect(lines.length).toBeGreaterThanOrEqual(12)
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'all is well\n' })
    const quick = await run(['doctor', '--quick', '--json'], database.in())
    expect(JSON.parse(quick.stdout).every(({ state }: Finding) => state === 'ok')).toBe(true)
  })
})

describeCommandsOnServer('opa-db doctor finds', (database) => {
  async function examine(...words: string[]): Promise<{ code: number | null; findings: Finding[] }> {
    const { code, stdout } = await run(['doctor', '--json', ...words], database.in())
    const findings: Finding[] = JSON.parse(stdout)
    return { code, findings: findings.filter(({ state }) => state !== 'ok') }
  }
  const execute = (db: Database, statement: string) => queryRows(db, sql.raw(statement))

  /** A fault, how it is made and mended, and the one finding that it must give. */
  async function expectFinding(
    fault: {
      make: (db: Database) => Promise<unknown>
      mend: (db: Database) => Promise<unknown>
      words?: string[]
    },
    expected: { check: string; state: 'warning' | 'wrong'; message: RegExp; advice: RegExp },
  ): Promise<void> {
    await database.with(fault.make)
    const { code, findings } = await examine(...(fault.words ?? []))
    await database.with(fault.mend)
    expect(findings).toEqual([
      {
        check: expected.check,
        state: expected.state,
        message: expect.stringMatching(expected.message),
        advice: expect.stringMatching(expected.advice),
      },
    ])
    expect(code).toBe(expected.state === 'wrong' ? 1 : 0)
    expect((await examine()).findings).toEqual([])
  }

  it('a migration that is not applied', () =>
    expectFinding(
      {
        make: async (db) => {
          await execute(
            db,
            'CREATE TABLE kept AS SELECT * FROM public_opa.migrations ORDER BY id DESC LIMIT 1',
          )
          await execute(db, 'DELETE FROM public_opa.migrations WHERE id = (SELECT id FROM kept)')
        },
        mend: async (db) => {
          await execute(db, 'INSERT INTO public_opa.migrations SELECT * FROM kept')
          await execute(db, 'DROP TABLE kept')
        },
      },
      { check: 'migrations', state: 'wrong', message: /^not applied yet: \d{4}_/, advice: /opa-db migrate/ },
    ))

  it('a migration of a newer version', () =>
    expectFinding(
      {
        make: (db) =>
          execute(db, "INSERT INTO public_opa.migrations (hash, created_at) VALUES ('x', 9999999999999)"),
        mend: (db) => execute(db, "DELETE FROM public_opa.migrations WHERE hash = 'x'"),
      },
      { check: 'migrations', state: 'wrong', message: /does not know.*upgrade opa-db/, advice: /newer/ },
    ))

  it('an older extension than the server has', () =>
    expectFinding(
      {
        make: (db) => execute(db, "UPDATE pg_extension SET extversion = '1.1' WHERE extname = 'pg_trgm'"),
        mend: (db) =>
          execute(
            db,
            "UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'pg_trgm') WHERE extname = 'pg_trgm'",
          ),
      },
      {
        check: 'extensions',
        state: 'warning',
        message: /^pg_trgm 1\.1 in public; the server has/,
        advice: /ALTER EXTENSION/,
      },
    ))

  it('a disabled trigger', () =>
    expectFinding(
      {
        make: (db) => execute(db, 'ALTER TABLE memory_items DISABLE TRIGGER memory_items_log_insert'),
        mend: (db) => execute(db, 'ALTER TABLE memory_items ENABLE TRIGGER memory_items_log_insert'),
      },
      {
        check: 'triggers',
        state: 'wrong',
        message: /memory_items_log_insert/,
        advice: /ENABLE TRIGGER.*rebuild/,
      },
    ))

  it('statistics that differ from a recount', () =>
    expectFinding(
      {
        make: (db) =>
          db.transaction(async (transaction) => {
            await execute(transaction, "SET LOCAL session_replication_role = 'replica'")
            await execute(
              transaction,
              "INSERT INTO memory_items (id, text) VALUES ('unseen', 'written without triggers')",
            )
          }),
        mend: async (db) => {
          await execute(db, 'SELECT rebuild_search_statistics()')
        },
      },
      {
        check: 'statistics',
        state: 'wrong',
        message: /0 memories instead of 1, \d+ words counted wrong/,
        advice: /rebuild_search_statistics/,
      },
    ))

  it("a backlog of the statistics' log", () =>
    expectFinding(
      {
        make: (db) =>
          db.transaction(async (transaction) => {
            await execute(transaction, "SET LOCAL session_replication_role = 'replica'")
            await execute(
              transaction,
              "INSERT INTO public_opa.search_log (xid, documents, total_length, lexemes) SELECT pg_current_xact_id(), 0, 0, '' FROM generate_series(1, 7000)",
            )
          }),
        mend: (db) => execute(db, 'SELECT fold_search_statistics()'),
      },
      {
        check: "statistics' log",
        state: 'warning',
        message: /^7,000 changes/,
        advice: /fold_search_statistics/,
      },
    ))

  it('memories that were stored by an older dictionary', () =>
    expectFinding(
      {
        make: async (db) => {
          await execute(db, 'DELETE FROM public_opa.search_dictionary')
          await execute(
            db,
            `INSERT INTO public_opa.search_dictionary (indexed_in, fingerprint, server_version)
              VALUES ('public.memory_items'::regclass, 'other', current_setting('server_version_num')::int / 10000 - 1)`,
          )
        },
        mend: (db) => reindexSearch(db),
      },
      {
        check: 'dictionary',
        state: 'wrong',
        message: /takes some words apart otherwise/,
        advice: /^opa-db reindex$/,
      },
    ))

  it('a vector index that is not valid', () =>
    expectFinding(
      {
        make: (db) =>
          execute(
            db,
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'memory_items_embedding_idx'::regclass",
          ),
        mend: (db) =>
          execute(
            db,
            "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'memory_items_embedding_idx'::regclass",
          ),
      },
      { check: 'vector index', state: 'wrong', message: /not valid/, advice: /useVectorIndex/ },
    ))

  it('memories without a vector where others have one', () =>
    expectFinding(
      {
        make: (db) => remember(db, { id: 'embedded', text: 'with a vector', embedding: vector }),
        mend: (db) => execute(db, "DELETE FROM memory_items WHERE id = 'embedded'"),
      },
      {
        check: 'embeddings',
        state: 'warning',
        message: /^1 memory is without a vector/,
        advice: /opa-db embed/,
      },
    ))

  it('a table without autovacuum', () =>
    expectFinding(
      {
        make: (db) => execute(db, 'ALTER TABLE jobs SET (autovacuum_enabled = off)'),
        mend: (db) => execute(db, 'ALTER TABLE jobs RESET (autovacuum_enabled)'),
      },
      { check: 'autovacuum', state: 'wrong', message: /off for jobs/, advice: /ALTER TABLE jobs RESET/ },
    ))

  it('a long transaction', async () => {
    await database.with((db) =>
      db.transaction(async (transaction) => {
        await execute(transaction, 'SELECT pg_current_xact_id()')
        await sleep(700)
        const { code, findings } = await examine('--longer-than', '0.5')
        expect(code).toBe(0)
        expect(findings).toMatchObject([
          {
            check: 'transactions',
            state: 'warning',
            advice: expect.stringMatching(/pg_terminate_backend\(\d+\)/),
          },
        ])
      }),
    )
    expect((await examine()).findings).toEqual([])
  })

  it('a queue that nobody claims from', () =>
    expectFinding(
      {
        make: (db) => enqueue(db, { queue: 'lonely', intent: 'wait', runAt: new Date(Date.now() - 400_000) }),
        mend: (db) => execute(db, "DELETE FROM jobs WHERE queue = 'lonely'"),
      },
      {
        check: 'queues',
        state: 'warning',
        message: /nobody claims from "lonely": 1 job is ready, for 6 min/,
        advice: /start a worker/,
      },
    ))

  it('a stuck job', () =>
    expectFinding(
      {
        make: async (db) => {
          await enqueue(db, { queue: 'stuck', intent: 'stop' })
          await claim(db, { queue: 'stuck', workerId: 'w', leaseSeconds: 1 })
          await sleep(1300)
        },
        mend: (db) => execute(db, "DELETE FROM jobs WHERE queue = 'stuck'"),
      },
      {
        check: 'jobs',
        state: 'warning',
        message: /1 job stuck: 1 lease expired/,
        advice: /opa-db jobs stuck/,
      },
    ))

  it('a role without rights, also as an error of other commands', async () => {
    const server = inject('server')
    if ('skipped' in server) throw new Error('runs on a server only')
    const role = `opa_role_${randomBytes(4).toString('hex')}`
    await withAdmin(server.url, (admin) => admin.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'`))
    try {
      const url = new URL(database.env.DATABASE_URL ?? '')
      url.username = role
      url.password = 'pw'
      const { code, stdout } = await run(['doctor', '--json', '--url', url.href], database.in())
      const findings: Finding[] = JSON.parse(stdout)
      expect(code).toBe(1)
      expect(findings.find(({ state }) => state === 'wrong')).toMatchObject({
        check: 'rights',
        message: expect.stringContaining(role),
      })
      const listed = await run(['list', '--url', url.href], database.in())
      expect(listed).toMatchObject({ code: 1, stdout: '' })
      expect(listed.stderr).toMatch(/permission denied.*opa-db doctor/)
    } finally {
      await withAdmin(server.url, (admin) => admin.unsafe(`DROP ROLE ${role}`))
    }
  })
})
