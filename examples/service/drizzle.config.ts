import { defineConfig } from 'drizzle-kit'

// The service's own tables, migrations and ledger (drizzle.__drizzle_migrations). The filter keeps `push` and `pull` away
// from what opa-db made: without it, `push` would drop what this project does not declare.
export default defineConfig({
  dialect: 'postgresql',
  schema: './src/schema.ts',
  out: './drizzle',
  tablesFilter: ['users', 'notes', 'summaries'],
  dbCredentials: { url: process.env.DATABASE_URL ?? '' },
})
