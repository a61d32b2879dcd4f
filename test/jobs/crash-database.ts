import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'

/** The database of a worker of the crash test, as a service connects by itself: soon again, wherever it was cut off. */
export function crashDatabase(url: string): PostgresJsDatabase {
  const client = postgres(url, {
    max: 2,
    connect_timeout: 2,
    backoff: () => 0.2,
    // A connection that is cut off while postgres.js fetches the types leaves a rejection that ends the process.
    fetch_types: false,
    onnotice: () => {},
  })
  return drizzle({ client })
}
