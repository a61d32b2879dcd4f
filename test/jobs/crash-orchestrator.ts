import { work } from '../../src/index.ts'
import { crashDatabase } from './crash-database.ts'
import { treeHandlers } from './tree-handlers.ts'

/**
 * A worker of the crash test, to be killed at any moment: `tsx crash-orchestrator.ts <url> <worker id>`. It runs schedules
 * and trees of jobs.
 */
const [url = '', workerId = ''] = process.argv.slice(2)
const db = crashDatabase(url)

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
