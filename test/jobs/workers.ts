import { afterEach } from 'vitest'
import { type Worker, work } from '../../src/index.ts'
import type { TestDatabase } from '../support/backends.ts'

/** Starts workers that poll and stop quickly, and stops them after each test; `workers` are those of the test so far. */
export function workerStarter(test: TestDatabase) {
  const workers: Worker[] = []
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()))
  })
  const start = (handlers: Parameters<typeof work>[1], options: Parameters<typeof work>[2]): Worker => {
    const worker = work(test.db, handlers, {
      pollMilliseconds: 10,
      maxPollMilliseconds: 50,
      drainSeconds: 0.1,
      abortSeconds: 0.2,
      ...options,
    })
    workers.push(worker)
    return worker
  }
  return { start, workers }
}
