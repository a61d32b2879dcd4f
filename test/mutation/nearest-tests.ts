import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const testFolder = join(import.meta.dirname, '..')

/** Tests of what has no name that a test would write: triggers, and what only they call. */
const byName: readonly { readonly of: RegExp; readonly tests: readonly string[] }[] = [
  {
    of: /^(jobs_check|is_job_transition|job_state)/,
    tests: ['jobs/transitions.test.ts', 'jobs/enqueue.test.ts'],
  },
  { of: /^(jobs_|continue_parent)/, tests: ['jobs/waiting.test.ts', 'jobs/cancel-retry.test.ts'] },
  { of: /search_log|search_statistics|fold|bulk/, tests: ['statistics/search-statistics.test.ts'] },
  { of: /updated_at/, tests: ['memory/memory-items.test.ts'] },
]

/** Tests that take minutes, or that need a server, and would tell nothing here. */
const left =
  /storm|large|crash|pgbouncer|injection|plans|queue-starts|drivers|eval|package|upgrade|mutation|concurrency/

interface TestFile {
  readonly path: string
  readonly text: string
}

const testFiles: TestFile[] = readdirSync(testFolder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts') && !left.test(path))
  .map((path) => ({ path, text: readFileSync(join(testFolder, path), 'utf8') }))

export interface NamedFunction {
  readonly name: string
  readonly body: string
}

/** The test files that are most likely to notice a change of a function: those that name it, or else its callers. */
export function nearestTests(name: string, functions: readonly NamedFunction[], most = 3): string[] {
  const rule = byName.find(({ of }) => of.test(name))
  if (rule !== undefined) return [...rule.tests]
  const seen = new Set([name])
  for (let names = [name]; names.length > 0; ) {
    const named = names.flatMap(testsNaming)
    if (named.length > 0) {
      const hits = new Map<string, number>()
      for (const { path, count } of named) hits.set(path, (hits.get(path) ?? 0) + count)
      return [...hits]
        .sort(([, one], [, other]) => other - one)
        .slice(0, most)
        .map(([path]) => path)
    }
    names = functions
      .filter((caller) => !seen.has(caller.name) && names.some((called) => word(called).test(caller.body)))
      .map((caller) => caller.name)
    for (const caller of names) seen.add(caller)
  }
  return []
}

function testsNaming(name: string): { path: string; count: number }[] {
  const twin = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const pattern = new RegExp(`\\b(${name}|${twin})\\b`, 'g')
  return testFiles.flatMap(({ path, text }) => {
    // A file with the function's own name counts for more than any that only uses it.
    const own = relative('.', path).includes(name.replaceAll('_', '-')) ? 1000 : 0
    const count = [...text.matchAll(pattern)].length
    return count > 0 ? [{ path, count: count + own }] : []
  })
}

function word(name: string): RegExp {
  return new RegExp(`\\b${name}\\b`)
}
