import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { queryRows } from '../../src/database/rows.ts'
import { type Connection, connect, type Database, forget, migrate, rememberMany } from '../../src/index.ts'
import { builtCommand, ended, run, start } from '../support/command.ts'
import { describeCommandsOnServer } from '../support/command-databases.ts'
import { databaseUrl, withAdmin } from '../support/server-setup.ts'

beforeAll(() => {
  builtCommand()
})

/** What a namespace has, row by row, as the database writes it. */
async function rowsOf(db: Database, namespace: string): Promise<string[]> {
  const rows = await queryRows(
    db,
    sql`SELECT m::text AS row FROM memory_items AS m WHERE namespace = ${namespace} ORDER BY id`,
  )
  return rows.map((row) => String(row.row))
}

const textsOf = async (db: Database, namespace: string) =>
  new Map(
    (await queryRows(db, sql`SELECT id, text FROM memory_items WHERE namespace = ${namespace}`)).map(
      (row) => [String(row.id), String(row.text)],
    ),
  )

/** Another server to move to; by default another database of the same one. */
const second = process.env.OPA_TEST_SECOND_URL

describeCommandsOnServer('opa-db move-namespace', (database) => {
  const name = `opa_test_${randomBytes(6).toString('hex')}`
  let target: Connection
  let to: string
  beforeAll(async () => {
    const server = inject('server')
    if ('skipped' in server) return
    to = databaseUrl(second ?? server.url, name)
    await withAdmin(second ?? server.url, (admin) =>
      admin.unsafe(`CREATE DATABASE ${name}${second ? '' : ` TEMPLATE ${server.template}`}`),
    )
    target = await connect({ kind: 'server', url: to }, { maxConnections: 6 })
    await migrate(target.db)
  })
  afterAll(async () => {
    const server = inject('server')
    if ('skipped' in server) return
    await target.close()
    await withAdmin(second ?? server.url, (admin) =>
      admin.unsafe(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
    )
  })

  it('moves it while clients write, loses nothing, and refuses late writers', {
    timeout: 240_000,
  }, async () => {
    await database.with(async (source) => {
      const items = Array.from({ length: 2000 }, (_, at) => ({
        id: `ana:${at}`,
        namespace: 'ana',
        text: `memory ${at}`,
        ...(at % 10 === 0 && { embedding: Array.from({ length: 384 }, (_, axis) => Math.sin(at + axis)) }),
      }))
      await rememberMany(source, { items })
      await rememberMany(source, { items: [{ id: 'bob:1', namespace: 'bob', text: 'stays' }] })

      // What each client was told is done. After the first refusal it goes to the other server, as a service would.
      const wanted = new Map(items.map(({ id, text }) => [id, text]))
      const flag = join(database.cwd, 'switched')
      let isOver = false
      let refusals = 0
      const client = async (number: number) => {
        let db: Database = source
        for (let turn = 0; !isOver; turn++) {
          // The last client hears of the switch only by being refused.
          if (number < 3 && existsSync(flag)) db = target.db
          const id = `ana:${((turn * 7) % 500) + number * 500}`
          const text = `memory ${id}, changed in turn ${turn}`
          try {
            if (turn % 5 === 4) {
              for (const gone of await forget(db, { ids: [id], namespace: 'ana' })) wanted.delete(gone)
            } else {
              await rememberMany(db, { items: [{ id, namespace: 'ana', text }] })
              wanted.set(id, text)
            }
          } catch (error) {
            expect(String(error)).toMatch(/memory_items_moved_/)
            refusals += 1
            if (existsSync(flag)) db = target.db
          }
          await sleep(5)
        }
      }
      const clients = [0, 1, 2, 3].map(client)
      const words = [
        'move-namespace',
        'ana',
        '--to',
        to,
        '--yes',
        '--json',
        '--switch',
        `echo "$OPA_NAMESPACE" > ${flag}`,
      ]
      const moving = await ended(start(words, database.in())).finally(async () => {
        await sleep(300)
        isOver = true
        await Promise.all(clients)
      })

      const steps = ['copying', 'catching up', 'refusing writes', 'switching', 'deleting it from the source']
      expect(moving.stderr.split('\n').filter((line) => steps.includes(line))).toEqual(steps)
      expect(moving.code).toBe(0)
      const report = JSON.parse(moving.stdout)
      expect(report.stoppedSeconds).toBeLessThan(10)
      expect(refusals).toBeGreaterThan(0)
      expect(await rowsOf(source, 'ana')).toEqual([])
      expect(await rowsOf(source, 'bob')).toHaveLength(1)
      expect(await textsOf(target.db, 'ana')).toEqual(wanted)
    })
  })

  it('copies every column, updated_at too, and moves back', { timeout: 120_000 }, async () => {
    const before = await rowsOf(target.db, 'ana')
    const back = await run(
      ['move-namespace', 'ana', '--url', to, '--to', database.env.DATABASE_URL ?? '', '--yes'],
      database.in(),
    )
    // How many were copied twice depends on the transactions that are open meanwhile, of any database of the server.
    expect(back.stdout).toMatch(
      /^moved [\d,]+ memories, [\d,]+ rows of them copied again; writes were refused for /,
    )
    expect(await database.with((source) => rowsOf(source, 'ana'))).toEqual(before)
    await database.with((source) =>
      rememberMany(source, { items: [{ namespace: 'ana', text: 'accepted again' }] }),
    )
  })

  it('switches nothing when the switch fails: the source accepts writes as before', async () => {
    const script = join(database.cwd, 'fails.sh')
    writeFileSync(script, 'exit 3\n')
    const before = await database.with((source) => rowsOf(source, 'ana'))
    const failed = await run(
      ['move-namespace', 'ana', '--to', to, '--yes', '--switch', `sh ${script}`],
      database.in(),
    )
    expect(failed).toMatchObject({ code: 1, stdout: '' })
    expect(failed.stderr).toContain('ended with 3: nothing was switched')
    expect(await database.with((source) => rowsOf(source, 'ana'))).toEqual(before)
    await database.with((source) =>
      rememberMany(source, { items: [{ namespace: 'ana', text: 'still here' }] }),
    )
  })

  it('asks, and wants to know which', async () => {
    expect(await run(['move-namespace', 'ana', '--to', to], database.in())).toMatchObject({
      code: 2,
      stdout: '',
    })
    expect(await run(['move-namespace', 'nobody', '--to', to, '--yes'], database.in())).toMatchObject({
      code: 1,
    })
    expect(await run(['move-namespace', 'ana', '--to', to, '--data-dir', 'x'], database.in())).toMatchObject({
      code: 2,
    })
  })
})
