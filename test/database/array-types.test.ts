import { type AddressInfo, connect as connectSocket, createServer } from 'node:net'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import type { Sql } from 'postgres'
import { expect, it } from 'vitest'
import { connect } from '../../src/database/connect.ts'
import { rowsOf } from '../../src/database/rows.ts'
import { describeOnServer } from '../support/backends.ts'

const numbers = fc.double().map((value) => (Object.is(value, -0) ? 0 : value))

const arrays: readonly [type: string, elements: fc.Arbitrary<unknown>][] = [
  [
    'text',
    fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'NULL', '{}', 'a,b', '"', '\\', ' é ')),
  ],
  ['varchar', fc.string()],
  ['smallint', fc.integer({ min: -32768, max: 32767 })],
  ['integer', fc.integer({ min: -2147483648, max: 2147483647 })],
  ['bigint', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)],
  ['double precision', numbers],
  ['uuid', fc.uuid()],
  // Drizzle's own parsers leave times, arrays of numeric, and in 1.0 JSON as text.
  ['interval', fc.nat().map((seconds) => `00:00:${String(seconds % 60).padStart(2, '0')}`)],
]

describeOnServer('arrays over connect', (server) => {
  it.each(arrays)('of %s are read as they were written', async (type, elements) => {
    const orNull = fc.option(elements, { freq: 5 })
    const matrix = fc
      .integer({ min: 1, max: 3 })
      .chain((width) =>
        fc.array(fc.array(orNull, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 3 }),
      )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.array(orNull), matrix), { minLength: 1, maxLength: 20 }),
        async (values) => {
          const selected = values.map((value) => sql`SELECT ${sql.param(value)}::${sql.raw(type)}[] AS value`)
          const rows = rowsOf(await server.db.execute(sql.join(selected, sql` UNION ALL `)))
          expect(rows.map(({ value }) => value)).toEqual(values)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('of types that the driver infers from their elements are named by its array()', async () => {
    const client = server.db.$client as Sql
    const booleans = [true, null, false]
    const bytes = [Buffer.from([0, 255]), Buffer.from('"')]
    const [row] =
      await client`SELECT ${client.array(booleans, 16)} AS booleans, ${client.array(bytes, 17)} AS bytes`
    expect(row).toEqual({ booleans, bytes })
  })

  it('keep their bounds to themselves, and come as text where the type is not one of PostgreSQL’s own', async () => {
    const [row] = rowsOf(
      await server.db.execute(
        sql`SELECT '[2:3]={1,2}'::integer[] AS bounded, ARRAY['completed']::job_status[] AS statuses`,
      ),
    )
    expect(row).toEqual({ bounded: [1, 2], statuses: '{completed}' })
  })
})

describeOnServer('a connection that is cut off as soon as it is open', (server) => {
  it('fails the query, and leaves no rejection that nobody handles', async () => {
    const rejections: unknown[] = []
    const onRejection = (error: unknown) => rejections.push(error)
    process.on('unhandledRejection', onRejection)
    const proxy = await cuttingProxy(server.url)
    const { db, close } = await connect({ kind: 'server', url: proxy.url })
    try {
      await expect(db.execute(sql`SELECT 1`)).rejects.toThrow()
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(proxy.cuts()).toBeGreaterThan(0)
      expect(rejections).toEqual([])
    } finally {
      process.off('unhandledRejection', onRejection)
      // After a cut, postgres.js waits for all of its timeout.
      void close()
      proxy.close()
    }
  })
})

/** Lets a connection be opened, and cuts it off at what the client asks first. */
async function cuttingProxy(url: string) {
  const { hostname, port } = new URL(url)
  let cuts = 0
  const proxy = createServer((client) => {
    const upstream = connectSocket(Number(port || 5432), hostname)
    let isOpen = false
    for (const socket of [client, upstream]) socket.on('error', () => {})
    upstream.on('data', (data) => {
      // ReadyForQuery, idle: the last message of the start.
      isOpen ||= data.subarray(-6).equals(Buffer.from([0x5a, 0, 0, 0, 5, 0x49]))
      client.write(data)
    })
    client.on('data', (data) => {
      if (!isOpen) return upstream.write(data)
      cuts += 1
      upstream.destroy()
      return client.destroy()
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.once('listening', resolve))
  const through = Object.assign(new URL(url), { hostname: '127.0.0.1' })
  through.port = String((proxy.address() as AddressInfo).port)
  return { url: through.href, cuts: () => cuts, close: () => proxy.close() }
}
