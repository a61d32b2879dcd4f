import { opaDrizzleConfig } from 'opa-db/drizzle-config'

// opa-db's migrations, from the package, with the ledger of their own.
export default opaDrizzleConfig({ url: process.env.DATABASE_URL ?? '' })
