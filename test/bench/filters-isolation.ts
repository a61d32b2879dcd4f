import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import type { Database } from '../../src/database/database.ts'
import { enableNamespaceIsolation, grantNamespaces } from '../../src/index.ts'
import { backendClock } from './backend-clock.ts'
import { latency, printTable, rounded, withBar } from './report.ts'

export interface IsolationMeasurement {
  readonly rows: number
  /** The namespace that the role may see, and that the filter names. */
  readonly namespace: string
  /** Mean milliseconds of the best 10: of the isolated role, and of the owner with the filter. */
  readonly isolated: number
  readonly filtered: number
  readonly ratio: number
}

/** The same searches by a role that may see one namespace, and by the owner with that namespace as the filter. */
export async function measureIsolation(
  db: Database,
  url: string,
  { size, texts }: { readonly size: number; readonly texts: readonly string[] },
): Promise<IsolationMeasurement[]> {
  const role = `opa_bench_${randomBytes(4).toString('hex')}`
  await enableNamespaceIsolation(db)
  const measured: IsolationMeasurement[] = []
  for (const namespace of ['half', 'twentieth']) {
    const name = `${role}_${namespace}`
    await db.execute(sql.raw(`CREATE ROLE ${name} LOGIN PASSWORD '${name}'`))
    try {
      await db.execute(sql`SELECT grant_reader(${name})`)
      await grantNamespaces(db, { role: name, namespaces: [namespace] })
      const theirs = new URL(url)
      theirs.username = theirs.password = name
      const owner = postgres(url, { max: 1, onnotice: () => {} })
      const isolated = postgres(theirs.href, { max: 1, onnotice: () => {} })
      try {
        measured.push(await compare({ owner, isolated, namespace, size, texts }))
      } finally {
        await Promise.all([owner.end(), isolated.end()])
      }
    } finally {
      await db.execute(sql.raw(`DROP OWNED BY ${name}`))
      await db.execute(sql`DELETE FROM namespace_roles WHERE role = ${name}::regrole`)
      await db.execute(sql.raw(`DROP ROLE ${name}`))
    }
  }
  printTable(
    ['rows namespace', 'isolated ms', 'filtered ms', 'ratio'],
    measured.map(({ rows, namespace, isolated, filtered, ratio }) => [
      `${rows} ${namespace}`,
      isolated,
      filtered,
      ratio,
    ]),
  )
  return measured
}

interface Comparing {
  readonly owner: postgres.Sql
  readonly isolated: postgres.Sql
  readonly namespace: string
  readonly size: number
  readonly texts: readonly string[]
}

async function compare({
  owner,
  isolated,
  namespace,
  size,
  texts,
}: Comparing): Promise<IsolationMeasurement> {
  const [ownersClock, isolatedClock] = [await backendClock(owner), await backendClock(isolated)]
  const filter = JSON.stringify({ fuzzy: false, namespace })
  const search = async (client: postgres.Sql, given: string, text: string, clock: () => number) => {
    const call = () =>
      client.unsafe('SELECT id FROM bm25_search($1::text, filter => $2::text::jsonb)', [text, given], {
        prepare: true,
      })
    await call()
    const started = clock()
    const ids = (await call()).map(({ id }) => id)
    return { ids, milliseconds: clock() - started }
  }
  const [times, ownersTimes]: [number[], number[]] = [[], []]
  await withBar(`isolated to ${namespace}, of ${size}`, texts.length, async (update) => {
    for (const [at, text] of texts.entries()) {
      const theirs = await search(isolated, '{"fuzzy": false}', text, isolatedClock)
      const ours = await search(owner, filter, text, ownersClock)
      if (theirs.ids.join() !== ours.ids.join()) throw new Error(`isolation answers otherwise for "${text}"`)
      times.push(theirs.milliseconds)
      ownersTimes.push(ours.milliseconds)
      update(at + 1)
    }
  })
  const [one, other] = [latency(times).mean, latency(ownersTimes).mean]
  return { rows: size, namespace, isolated: one, filtered: other, ratio: rounded(one / other) }
}
