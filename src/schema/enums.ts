import { pgEnum } from 'drizzle-orm/pg-core'

/** What a job is doing. The allowed changes from one to another are enforced by the trigger `jobs_transition`. */
export const jobStatus = pgEnum('job_status', [
  'pending',
  'running',
  'waiting',
  'completed',
  'failed',
  'cancelled',
])

/** How a lease ended. */
export const attemptOutcome = pgEnum('attempt_outcome', [
  'completed',
  'failed',
  'retried',
  'released',
  'snoozed',
  'waiting',
  'cancelled',
  'lease_lost',
])

/** Who executes a job: a workflow engine, an MCP tool, a local agent, or whom the router chooses. */
export const executionMode = pgEnum('execution_mode', ['flow', 'mcp', 'agent', 'auto'])

/** One of `pending`, `running`, `waiting`, `completed`, `failed`, `cancelled`. */
export type JobStatus = (typeof jobStatus.enumValues)[number]

/** One of `flow`, `mcp`, `agent`, `auto`. */
export type ExecutionMode = (typeof executionMode.enumValues)[number]
