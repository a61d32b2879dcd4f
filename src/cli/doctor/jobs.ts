import { queueStats } from '../../jobs/reading/queue-stats.ts'
import { stuckJobs } from '../../jobs/reading/stuck-jobs.ts'
import { count, counted, duration } from '../format.ts'
import { onOneLine } from '../terminal.ts'
import { type Check, ok, warning } from './finding.ts'

export const queuesCheck: Check = {
  name: 'queues',
  async examine({ db, longSeconds }) {
    const queues = await queueStats(db, { period: longSeconds })
    // Jobs are ready and none has run or ended of late: nobody is there.
    const unclaimed = queues.filter(
      ({ running, completed, failed, oldestReadySeconds }) =>
        running + completed + failed === 0 && (oldestReadySeconds ?? 0) > longSeconds,
    )
    if (unclaimed.length === 0) {
      return ok(
        queues.length === 0
          ? 'none has jobs'
          : `${counted(queues.length, 'queue')}, and somebody claims where jobs are ready`,
      )
    }
    return unclaimed.flatMap(({ queue, ready, oldestReadySeconds }) =>
      warning(
        `nobody claims from "${onOneLine(queue)}": ${counted(ready, 'job is', 'jobs are')} ready, for ${duration(oldestReadySeconds ?? 0)}`,
        `start a worker; if the queue is paused: opa-db jobs resume ${onOneLine(queue)}`,
      ),
    )
  },
}

const most = 1000

export const stuckCheck: Check = {
  name: 'jobs',
  async examine({ db }) {
    // Not picked up is what the queues' check says, once for each queue.
    const stuck = (await stuckJobs(db, { limit: most })).filter(({ reason }) => reason !== 'not_picked_up')
    if (stuck.length === 0) return ok('none is stuck')
    const reasons = new Map<string, number>()
    for (const { reason } of stuck) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    const words = [...reasons].map(([reason, number]) => `${count(number)} ${reason.replaceAll('_', ' ')}`)
    return warning(`${counted(stuck.length, 'job')} stuck: ${words.join(', ')}`, 'opa-db jobs stuck')
  },
}
