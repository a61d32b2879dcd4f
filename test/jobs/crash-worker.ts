import { claim, complete, fail, heartbeat, release } from '../../src/index.ts'
import { crashDatabase } from './crash-database.ts'

/**
 * A worker of the crash test, to be killed at any moment: `tsx crash-worker.ts <url> <worker id>`. Every settlement that
 * the database has acknowledged goes to standard output, one line of JSON each.
 */
const [url = '', workerId = ''] = process.argv.slice(2)
const db = crashDatabase(url)
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))
const leaseSeconds = 1.5

for (;;) {
  try {
    const jobs = await claim(db, {
      queue: 'crash',
      workerId,
      limit: 1 + Math.floor(Math.random() * 4),
      leaseSeconds,
    })
    if (jobs.length === 0) await sleep(50)
    for (const { id, leaseToken } of jobs) {
      const lease = { id, leaseToken }
      await sleep(Math.random() * 60)
      // Sometimes for longer than the lease, and without a heartbeat: a zombie.
      if (Math.random() < 0.02) await sleep(2500)
      else await heartbeat(db, { leases: [lease], leaseSeconds })
      const chance = Math.random()
      const settle =
        chance < 0.1
          ? [
              'retried',
              await fail(db, { ...lease, error: { code: 'test', message: 'test' }, retryInSeconds: 0.1 }),
            ]
          : chance < 0.15
            ? ['released', await release(db, lease)]
            : ['completed', await complete(db, { ...lease, result: { workerId, leaseToken } })]
      process.stdout.write(`${JSON.stringify([id, leaseToken, ...settle])}\n`)
    }
  } catch {
    // The connection or the server is gone: that is the test. The jobs at hand are left to their leases.
    await sleep(100)
  }
}
