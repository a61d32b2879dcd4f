import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const project = join(import.meta.dirname, '../..')

/** The packages that an entry point loads when it is imported, through all of its own files. */
function packagesOf(entry: string): string[] {
  const packages = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    for (const [, what = '', from = ''] of text.matchAll(
      /^(?:import|export)\s([^'"]*?)\s?from '([^']+)'/gm,
    )) {
      const isOfTypes = what.startsWith('type ') || /^\{(\s*type [\w$]+( as [\w$]+)?,?)+\s*\}$/.test(what)
      if (isOfTypes || from.startsWith('node:')) continue
      if (from.startsWith('.')) visit(join(dirname(file), from))
      else
        packages.add(
          from
            .split('/')
            .slice(0, from.startsWith('@') ? 2 : 1)
            .join('/'),
        )
    }
  }
  visit(join(project, entry))
  return [...packages].sort()
}

it('loads no library but that of its own', () => {
  const withoutDrizzle = (entry: string) =>
    packagesOf(entry).filter((name) => !/^(drizzle-orm|pgvector)$/.test(name))
  expect(withoutDrizzle('src/mcp/index.ts')).toEqual(['@modelcontextprotocol/server', 'zod'])
  expect(withoutDrizzle('src/adapters/anthropic/index.ts')).toEqual([])
  expect(withoutDrizzle('src/adapters/langgraph/index.ts')).toEqual(['@langchain/langgraph-checkpoint'])
  expect(withoutDrizzle('src/adapters/ai-sdk/index.ts')).toEqual(['zod'])
  const ofMain = withoutDrizzle('src/index.ts')
  for (const name of [
    '@modelcontextprotocol/server',
    'zod',
    '@langchain/langgraph-checkpoint',
    'ai',
    '@anthropic-ai/sdk',
  ]) {
    expect(ofMain).not.toContain(name)
  }
})

it('is a door of the package, and its library an optional peer', () => {
  for (const name of ['mcp', 'anthropic', 'langgraph', 'ai-sdk'] as const) {
    expect(manifest.exports[`./${name}`].default).toMatch(/^\.\/dist\/.*index\.js$/)
  }
  for (const name of ['@anthropic-ai/sdk', '@langchain/langgraph-checkpoint', 'ai'] as const) {
    expect(manifest.peerDependencies[name]).toBeDefined()
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true })
  }
})
