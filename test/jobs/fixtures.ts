import type { Database, Job } from '../../src/index.ts'
import { claim, enqueue, getJob } from '../../src/index.ts'
import type { EnqueueOptions } from '../../src/jobs/enqueue/enqueue.ts'

/** Accepts a job in a queue of its own and takes it. */
export async function running(
  db: Database,
  options: Partial<EnqueueOptions> = {},
  leaseSeconds = 60,
): Promise<Job> {
  const queue = options.queue ?? uniqueName()
  await enqueue(db, { intent: 'test', ...options, queue })
  const [job] = await claim(db, { queue, workerId: 'worker-1', leaseSeconds })
  if (job === undefined) throw new Error('the job could not be claimed')
  return job
}

export async function read(db: Database, id: string): Promise<Job> {
  const job = await getJob(db, { id })
  if (job === null) throw new Error(`there is no job ${id}`)
  return job
}

let last = 0
/** A queue (or key, or id) that no other test of the file uses. */
export function uniqueName(): string {
  last += 1
  return `name-${last}`
}
