import { cpus, totalmem } from 'node:os'
import { sql } from 'drizzle-orm'
import type { Database } from '../../src/database/database.ts'
import { queryRows } from '../../src/database/rows.ts'

/** What a measurement was taken on: without it, numbers say nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly postgres: string
  readonly pgvector: string
  readonly settings: Readonly<Record<string, string>>
}

const settings = [
  'shared_buffers',
  'effective_cache_size',
  'work_mem',
  'maintenance_work_mem',
  'max_parallel_workers_per_gather',
  'max_parallel_maintenance_workers',
  'jit',
  'fsync',
  'synchronous_commit',
]

export async function describeMachine(db: Database): Promise<Machine> {
  const [server] = await queryRows(
    db,
    sql`SELECT current_setting('server_version') AS postgres,
      (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS pgvector`,
  )
  const values = await queryRows(
    db,
    sql`SELECT name, current_setting(name) AS value FROM pg_settings
      WHERE name = ANY (string_to_array(${settings.join(',')}, ','))`,
  )
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    postgres: String(server?.postgres),
    pgvector: String(server?.pgvector),
    settings: Object.fromEntries(values.map(({ name, value }) => [String(name), String(value)])),
  }
}

export function printMachine({ cpu, cores, memoryGiB, node, postgres, pgvector, settings }: Machine): void {
  console.log(`${cpu}, ${cores} cores, ${memoryGiB} GiB; Node ${node}`)
  console.log(`PostgreSQL ${postgres}, pgvector ${pgvector}`)
  console.log(
    Object.entries(settings)
      .map(([name, value]) => `${name} = ${value}`)
      .join(', '),
  )
}
