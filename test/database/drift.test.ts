import { readFileSync } from 'node:fs'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { findDrift } from '../../src/cli/drift.ts'
import { goldenFile, readCatalog } from '../../src/cli/golden.ts'
import { sourceSections } from '../../src/cli/sections.ts'
import { queryRows } from '../../src/database/rows.ts'
import { describeOnEachBackend } from '../support/backends.ts'

describe('the sources', () => {
  it('ask for nothing that the migrations do not have', async () => {
    expect(await findDrift()).toEqual([])
  })
})

describeOnEachBackend('the migrated database', (test) => {
  it('equals the golden catalog (if the change is meant: npm run db:golden)', async () => {
    expect(await readCatalog(test.db)).toBe(readFileSync(goldenFile, 'utf8'))
  })

  it('has every function of src/sql, byte for byte', async () => {
    const { beforeTables, afterTables } = sourceSections()
    const bodies = [...beforeTables, ...afterTables].flatMap(({ name, sql: text }) => {
      const [, made] = /CREATE OR REPLACE FUNCTION public\.(\w+)/.exec(text) ?? []
      const [, body] = /AS \$\$([\s\S]*)\$\$;/.exec(text) ?? []
      return made === undefined ? [] : [{ name, made, body }]
    })
    expect(bodies.length).toBeGreaterThan(20)
    const rows = await queryRows(
      test.db,
      sql`SELECT proname AS name, prosrc AS body FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
    )
    for (const { name, made, body } of bodies) {
      expect(
        rows.filter((row) => row.name === made).map((row) => row.body),
        name,
      ).toEqual([body])
    }
  })
})
