import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SingleBar } from 'cli-progress'

/** Milliseconds of the calls of one kind. */
export interface Latency {
  readonly mean: number
  readonly p50: number
  readonly p95: number
}

export function latency(milliseconds: readonly number[]): Latency {
  const sorted = [...milliseconds].sort((one, other) => one - other)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return {
    mean: rounded(sorted.reduce((sum, value) => sum + value, 0) / Math.max(1, sorted.length)),
    p50: rounded(at(0.5)),
    p95: rounded(at(0.95)),
  }
}

/** To a microsecond: more digits would only look exact. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

/** The milliseconds that a call takes, and what it gives. */
export async function timed<T>(call: () => Promise<T>): Promise<{ result: T; milliseconds: number }> {
  const started = performance.now()
  const result = await call()
  return { result, milliseconds: performance.now() - started }
}

/** Shows a bar while the work tells how far it is; where no terminal shows the bar, a line when it is done. */
export async function withBar<T>(
  what: string,
  total: number,
  work: (update: (done: number) => void) => Promise<T>,
): Promise<T> {
  const bar = new SingleBar({
    format: `${what} {bar} {value}/{total} {eta_formatted}`,
    hideCursor: true,
    clearOnComplete: true,
  })
  const started = performance.now()
  bar.start(total, 0)
  try {
    return await work((done) => bar.update(done))
  } finally {
    bar.stop()
    if (!process.stderr.isTTY) {
      console.error(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`)
    }
  }
}

/** Where the results of a benchmark go. */
export function resultFile(name: string, extension: 'json' | 'svg'): string {
  return fileURLToPath(new URL(`results/${name}.${extension}`, import.meta.url))
}

export function writeResult(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  console.log(`written: ${file}`)
}

/** Columns of equal width: the first to the left, numbers to the right. */
export function printTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const lines = [header, ...rows].map((row) => row.map(String))
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  for (const line of lines) {
    console.log(
      line
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  '),
    )
  }
}
