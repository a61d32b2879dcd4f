import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { work } from '../../src/index.ts'
import { treeHandlers } from './tree-handlers.ts'

/**
 * A worker of the crash test, to be killed at any moment: `tsx crash-orchestrator.ts <url> <worker id>`. It runs schedules
 * and trees of jobs.
 */
const [url = '', workerId = ''] = process.argv.slice(2)
// A connection that is cut off while postgres.js fetches the types leaves a rejection that ends the process.
const client = postgres(url, {
  max: 2,
  connect_timeout: 2,
  backoff: () => 0.2,
  fetch_types: false,
  onnotice: () => {},
})
const db = drizzle({ client })

work(db, treeHandlers(db), {
  queue: 'trees',
  workerId,
  leaseSeconds: 1.5,
  schedules: true,
  pollMilliseconds: 50,
  maxPollMilliseconds: 200,
  // The connection or the server is gone, and handlers throw: that is the test.
  onError: () => {},
})
