// What services import, and what they may refer to: the tables of the API. The internal tables, of which no client knows,
// and the triggers are in all.ts.
export { attemptOutcome, type ExecutionMode, executionMode, type JobStatus, jobStatus } from './enums.ts'
export { type JobAnswer, jobAnswers } from './job-answers.ts'
export { type JobAttempt, jobAttempts, type NewJobAttempt } from './job-attempts.ts'
export { jobCheckpoints, jobEvents } from './job-events.ts'
export { type JobLimit, jobLimits } from './job-limits.ts'
export { type JobQueue, jobQueues } from './job-queues.ts'
export {
  type Job,
  type JobError,
  type JobUsage,
  type Json,
  type JsonObject,
  jobs,
  type ModelUsage,
  type NewJob,
} from './jobs.ts'
export { type MemoryItem, memoryItems, type NewMemoryItem } from './memory-items.ts'
export { type NewSchedule, type Schedule, schedules } from './schedules.ts'
