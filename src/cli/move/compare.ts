import { sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows } from '../../database/rows.ts'
import { memoryItems } from '../../schema/memory-items.ts'

/** Buckets that ids fall into: two sides whose buckets are alike have nothing more to say to each other. */
const buckets = 1024

/** Which version of each row there is: its id and the microsecond of its last change. Reads no text and no vector. */
const version = sql`m.id || ' ' || (extract(epoch FROM m.updated_at) * 1000000)::bigint`
const bucketOf = sql`(('x' || substr(md5(m.id), 1, 8))::bit(32)::bigint & ${sql.raw(String(buckets - 1))})::integer`

export interface Differences {
  /** Rows that the target lacks, or has in another version. */
  readonly missing: string[]
  /** Rows that the source does not have. */
  readonly extra: string[]
}

/** Compares two sides of a namespace, row by row, and reads only what differs. */
export async function compareSides(
  source: Database,
  target: Database,
  namespace: string,
): Promise<Differences> {
  const [here, there] = await Promise.all([fingerprints(source, namespace), fingerprints(target, namespace)])
  const differing = [...new Set([...here.keys(), ...there.keys()])].filter(
    (bucket) => here.get(bucket) !== there.get(bucket),
  )
  if (differing.length === 0) return { missing: [], extra: [] }
  const [left, right] = await Promise.all([
    versions(source, namespace, differing),
    versions(target, namespace, differing),
  ])
  return {
    missing: [...left].filter(([id, one]) => right.get(id) !== one).map(([id]) => id),
    extra: [...right.keys()].filter((id) => !left.has(id)),
  }
}

async function fingerprints(db: Database, namespace: string): Promise<Map<number, string>> {
  const rows = await queryRows(
    db,
    sql`SELECT ${bucketOf} AS bucket, count(*)::text || ' ' || sum(('x' || substr(md5(${version}), 1, 15))::bit(60)::bigint)::text AS print
      FROM ${memoryItems} AS m WHERE namespace = ${namespace}::text GROUP BY 1`,
  )
  return new Map(rows.map((row) => [Number(row.bucket), String(row.print)]))
}

async function versions(
  db: Database,
  namespace: string,
  wanted: readonly number[],
): Promise<Map<string, string>> {
  const rows = await queryRows(
    db,
    sql`SELECT m.id, ${version} AS version FROM ${memoryItems} AS m
      WHERE namespace = ${namespace}::text AND ${bucketOf} = ANY (${`{${wanted.join()}}`}::text::integer[])`,
  )
  return new Map(rows.map((row) => [String(row.id), String(row.version)]))
}
