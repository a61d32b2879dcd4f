import { readFileSync } from 'node:fs'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { findDrift } from '../../scripts/migrations/drift.ts'
import { goldenFile, readCatalog } from '../../scripts/migrations/golden.ts'
import { sourceSections } from '../../scripts/migrations/sections.ts'
import { isDrizzle1 } from '../../src/database/drizzle-version.ts'
import { queryRows } from '../../src/database/rows.ts'
import { internalSchema } from '../../src/database/schema-name.ts'
import { describeOnEachBackend } from '../support/backends.ts'
import { installation } from '../support/installation.ts'

describe('the sources', () => {
  // drizzle-kit 0.31 generates the migrations, and reads tables of drizzle-orm 0.45.
  it.skipIf(isDrizzle1)('ask for nothing that the migrations do not have', async () => {
    expect(await findDrift()).toEqual([])
  })
})

describeOnEachBackend('the migrated database', (test) => {
  it('equals the golden catalog (if the change is meant: npm run db:golden)', async () => {
    expect(await readCatalog(test.db, installation)).toBe(readFileSync(goldenFile, 'utf8'))
  })

  it('has every function of src/sql, byte for byte', async () => {
    const bodies = sourceSections().flatMap(({ name, sql: text }) => {
      const [, made] = /CREATE OR REPLACE FUNCTION (\w+)/.exec(text) ?? []
      const [, body] = /AS \$\$([\s\S]*)\$\$;/.exec(text) ?? []
      return made === undefined || body === undefined ? [] : [{ name, made, body }]
    })
    expect(bodies.length).toBeGreaterThan(20)
    const rows = await queryRows(
      test.db,
      sql`SELECT proname AS name, prosrc AS body FROM pg_proc WHERE pronamespace IN (${installation.schema}::text::regnamespace, ${internalSchema(installation.schema)}::text::regnamespace)`,
    )
    for (const { name, made, body } of bodies) {
      expect(
        rows.filter((row) => row.name === made).map((row) => row.body),
        name,
      ).toEqual([body])
    }
  })
})
