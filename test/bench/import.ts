import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rememberMany } from '../../src/index.ts'
import { ended, start } from '../support/command.ts'
import type { BenchOptions } from './bench.ts'
import { printTable, rounded, timed } from './report.ts'
import { withBenchDatabase } from './wiki-database.ts'

const rounds = 3

/** Texts of 25 words, the common ones often and the rare ones seldom, the same in each run. */
function items(rows: number) {
  let seed = 1
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed / 2_147_483_648
  }
  const word = () => `w${Math.floor(20_000 * random() ** 3).toString(36)}`
  return Array.from({ length: rows }, (_, at) => ({
    text: `${Array.from({ length: 25 }, word).join(' ')} ${at}`,
    namespace: `n${at % 10}`,
    tags: [`t${at % 7}`],
    metadata: { at },
  }))
}

/** The largest resident memory of a process, in MB, where the system says it (Linux). */
async function peakOf(child: ChildProcess): Promise<number> {
  let peak = 0
  const look = setInterval(() => {
    try {
      peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? peak)
    } catch {
      // It has ended, or this system has no such file.
    }
  }, 100)
  const { code, stderr } = await ended(child)
  clearInterval(look)
  if (code !== 0) throw new Error(stderr)
  return Math.round(peak / 1000)
}

/**
 * Rows a second of `opa-db import`, process and all, beside those of one call of rememberMany, in turn, each into a new
 * database; and the largest resident memory of the import.
 */
export async function run({ rows = [10_000, 100_000] }: BenchOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'opa-db-import-'))
  const table: (string | number)[][] = []
  try {
    for (const size of rows) {
      const memories = items(size)
      const file = join(folder, `${size}.jsonl`)
      writeFileSync(file, memories.map((memory) => `${JSON.stringify(memory)}\n`).join(''))
      for (let round = 1; round <= rounds; round++) {
        const call = await withBenchDatabase(async ({ db }) =>
          timed(() => rememberMany(db, { items: memories })),
        )
        const command = await withBenchDatabase(async ({ url }) =>
          timed(() => peakOf(start(['import', file, '--url', url, '--json']))),
        )
        const [one, other] = [call, command].map(({ milliseconds }) => (size / milliseconds) * 1000)
        table.push([
          size,
          Math.round(one ?? 0),
          Math.round(other ?? 0),
          rounded((other ?? 0) / (one ?? 1)),
          command.result,
        ])
      }
    }
    printTable(['rows', 'rememberMany/s', 'import/s', 'ratio', 'peak MB'], table)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
