import type { Define } from '../../command.ts'
import { defineJobsAnswer } from './answer.ts'
import { defineJobsChange } from './change.ts'
import { defineJobsList } from './list.ts'
import { defineJobsPrune } from './prune.ts'
import { defineJobsQueues } from './queues.ts'
import { defineJobsSchedules } from './schedules.ts'
import { defineJobsShow } from './show.ts'
import { defineJobsStats } from './stats.ts'
import { defineJobsWatch } from './watch.ts'

const defines = [
  defineJobsList,
  defineJobsShow,
  defineJobsStats,
  defineJobsWatch,
  defineJobsAnswer,
  defineJobsChange,
  defineJobsPrune,
  defineJobsQueues,
  defineJobsSchedules,
]

/** The commands about jobs, below `opa-db jobs`. */
export const defineJobsCommands: Define = (program, handler) => {
  const jobs = program
    .command('jobs')
    .summary('what the assistant is doing')
    .description('Jobs: look at them, answer them, stop them.')
  for (const define of defines) define(jobs, handler)
}
