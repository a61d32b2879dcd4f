import { approve, type Database, type Handler, listJobs } from '../../src/index.ts'

const patient = { maxAttempts: 1000, backoffSeconds: 0.1 }

/** Parents that spawn three children, wait for them, and then for an approval; and `tick`, for a schedule. */
export function treeHandlers(db: Database): Record<string, Handler> {
  return {
    parent: async (job, { enqueueChildren, getCheckpoint, saveCheckpoint, waitFor }) => {
      const children = (await listJobs(db, { parentId: job.id })).items
      if (children.length === 0) {
        await enqueueChildren(
          [1, 2, 3].map((leg) => ({ intent: 'child', queue: 'trees', inputs: { leg }, ...patient })),
        )
        // Killed here, it finds its children at the next attempt.
        await sleep(Math.random() * 100)
      }
      if (children.length === 0 || children.some(({ completedAt }) => completedAt === null)) {
        await saveCheckpoint('asked for children')
        return waitFor({ reason: 'children' })
      }
      if (job.requiredAction?.response === undefined || (await getCheckpoint()) !== 'asked for approval') {
        await saveCheckpoint('asked for approval')
        return waitFor({ reason: 'approval', requiredAction: { question: job.id } })
      }
      return {
        legs: children.map(({ result }) => Number(result)).sort(),
        answer: job.requiredAction.response,
      }
    },
    child: async ({ inputs }, { reportProgress }) => {
      await reportProgress(0.5)
      await sleep(Math.random() * 100)
      if (Math.random() < 0.2) throw Object.assign(new Error('by chance'), { retryInSeconds: 0.1 })
      return inputs.leg
    },
    tick: ({ metadata }) => metadata.slot,
  }
}

/** A schedule of `tick` that misses no slot, however long nobody runs it. */
export const tickSchedule = {
  key: 'tick',
  intent: 'tick',
  queue: 'trees',
  everySeconds: 1,
  missed: 'all',
  missedLimit: 1000,
  maxAttempts: 1000,
} as const

/** A person who answers every question, twice. Gives how many answers counted. */
export async function approveAll(db: Database): Promise<number> {
  const { items } = await listJobs(db, { queue: 'trees', statuses: ['waiting'] })
  let counted = 0
  for (const { id, waitReason, waitId } of items) {
    if (waitReason !== 'approval' || waitId === null) continue
    const answer = { id, waitId, by: 'Mara' }
    if ((await approve(db, answer)) === 'ok') counted += 1
    await approve(db, answer)
  }
  return counted
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
