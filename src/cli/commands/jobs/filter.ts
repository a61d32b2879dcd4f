import type { Command } from 'commander'
import type { JobFilter } from '../../../jobs/reading/job-filter.ts'
import type { JobStatus } from '../../../schema/enums.ts'
import { given } from '../../command.ts'
import { collectedStatus } from './list.ts'

/** Which jobs are meant. */
export interface FilterOptions {
  readonly queue?: string
  readonly status?: JobStatus[]
  readonly intent?: string
  readonly error?: string
  readonly root?: string
  readonly trace?: string
  readonly since?: string
  readonly until?: string
}

export function withFilterOptions(command: Command): Command {
  return command
    .option('-q, --queue <name>', 'of this queue')
    .option('--status <status>', 'in any of these; may be repeated', collectedStatus)
    .option('--intent <intent>', 'with this intent')
    .option('--error <code>', 'that failed with this code')
    .option('--root <id>', 'below this job')
    .option('--trace <id>', 'of this trace')
    .option('--since <time>', 'created at or after this time, ISO 8601')
    .option('--until <time>', 'created before this time')
}

export function filterOf(options: FilterOptions): JobFilter {
  return given({
    queue: options.queue,
    statuses: options.status,
    intent: options.intent,
    errorCode: options.error,
    rootId: options.root,
    traceId: options.trace,
    since: options.since,
    until: options.until,
  })
}
