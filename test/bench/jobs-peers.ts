import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { JobRates } from './jobs-rates.ts'

const run = promisify(execFile)

/** How many jobs are measured in batches, and how many one by one. */
export interface JobCounts {
  readonly batchJobs: number
  readonly singleJobs: number
}

/** The peers in a temporary directory, with the Node that the newest pg-boss needs, by which this package is measured too. */
export interface Peers {
  readonly versions: Readonly<Record<string, string>>
  /** With `fresh` only what is measured in tables that nobody has analysed, without it all the rest. */
  measure(name: string, url: string, counts: JobCounts, fresh?: 'fresh'): Promise<Partial<JobRates>>
  remove(): Promise<void>
}

export async function installPeers(): Promise<Peers> {
  const folder = await mkdtemp(join(tmpdir(), 'opa-db-peers-'))
  await writeFile(join(folder, 'package.json'), '{"private": true}')
  await run('npm', ['install', '--no-audit', '--no-fund', 'pg-boss@12', 'graphile-worker@0.17', 'node@22'], {
    cwd: folder,
  })
  const script = join(folder, 'jobs-peers.mjs')
  await copyFile(fileURLToPath(new URL('jobs-peers.mjs', import.meta.url)), script)
  const version = async (name: string) =>
    JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version as string
  return {
    versions: { 'pg-boss': await version('pg-boss'), 'graphile-worker': await version('graphile-worker') },
    async measure(name, url, { batchJobs, singleJobs }, fresh) {
      const node = join(folder, 'node_modules', '.bin', 'node')
      const own = fileURLToPath(new URL('jobs-rates.ts', import.meta.url))
      const program = name === 'opa-db' ? ['--no-warnings', own] : [script, name]
      const { stdout } = await run(
        node,
        [...program, url, String(batchJobs), String(singleJobs), ...(fresh ? [fresh] : [])],
        {
          cwd: folder,
          timeout: 600_000,
        },
      )
      const line = stdout.split('\n').find((each) => each.startsWith('RESULT '))
      if (line === undefined) throw new Error(`${name} gave no result: ${stdout.slice(0, 500)}`)
      return JSON.parse(line.slice('RESULT '.length)) as Partial<JobRates>
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
