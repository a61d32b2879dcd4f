import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const root = new URL('../../', import.meta.url)
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(new URL('docs', root)).map((name) => `docs/${name}`),
]

it.each(pages.filter((page) => page !== 'CHANGELOG.md'))(
  '%s names files and pages that are there',
  (page) => {
    const text = readFileSync(new URL(page, root), 'utf8')
    const named = [...text.matchAll(/`((?:src|test|scripts|drizzle|docs|examples)\/[\w./-]+)`/g)]
    const linked = [...text.matchAll(/\]\((?!\w+:|#)([^)#]+)(?:#[^)]*)?\)/g)]
    const missing = [
      ...named.map(([, path = '']) => new URL(path, root)),
      ...linked.map(([, path = '']) => new URL(path, new URL(page, root))),
    ].filter((url) => !existsSync(url))
    expect(missing.map((url) => url.pathname)).toEqual([])
  },
)
