import { defineConfig } from 'drizzle-kit'
import { readEnvironment, resolveLocation, urlInSchema } from './src/database/location.ts'
import { defaultSchema, internalSchema, ledgerTable } from './src/database/schema-name.ts'

const location = resolveLocation(readEnvironment())

// drizzle-kit's own PGlite driver loads no extensions, so an embedded database goes through this package's commands.
const needsServer = process.argv.some((word) => ['migrate', 'push', 'pull', 'studio'].includes(word))
if (location.kind === 'embedded' && needsServer) {
  throw new Error(
    'No server is configured (DATABASE_URL or POSTGRES_*). For the embedded database: npm run db:migrate, npm run db:studio.',
  )
}

export default defineConfig({
  dialect: 'postgresql',
  schema: './src/schema/all.ts',
  out: './drizzle',
  migrations: { schema: internalSchema(location.schema ?? defaultSchema), table: ledgerTable },
  ...(location.kind === 'server' && { dbCredentials: { url: urlInSchema(location) } }),
})
