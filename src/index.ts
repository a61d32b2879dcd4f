export {
  type Connection,
  type ConnectOptions,
  connect,
  type EmbeddedDatabase,
  type OpaSchema,
  type OpenDatabase,
  type ServerDatabase,
} from './database/connect.ts'
export type { Database, Transaction } from './database/database.ts'
export {
  type DatabaseLocation,
  type EmbeddedLocation,
  resolveLocation,
  type ServerLocation,
} from './database/location.ts'
export { type MigrateResult, migrate } from './database/migrate.ts'
export { usePreparedStatements } from './database/prepared.ts'
export type { Embedder, EmbedOptions } from './embedders/embedder.ts'
export { type OpenaiEmbedderOptions, openaiEmbedder } from './embedders/openai-embedder.ts'
export {
  type FeatureExtractor,
  type TransformersEmbedder,
  type TransformersEmbedderOptions,
  type TransformersModule,
  transformersEmbedder,
} from './embedders/transformers-embedder.ts'
export {
  AcquireTimeoutError,
  ConfigurationError,
  ConflictError,
  DatabaseError,
  EmbedderError,
  InvalidInputError,
  MigrationError,
  NotFoundError,
  OpaError,
  UnsupportedDatabaseError,
} from './errors.ts'
export { type AddUsageOptions, addUsage } from './jobs/add-usage.ts'
export { type ApprovalOptions, approve } from './jobs/approve.ts'
export { type CancelOptions, type CancelOutcome, cancel } from './jobs/cancel.ts'
export { type ChangeJobOptions, changeJob } from './jobs/change-job.ts'
export { type ChangeManyOptions, cancelJobs, countJobs, retryJobs } from './jobs/change-many.ts'
export { type ClaimedJob, type ClaimOptions, claim } from './jobs/claim.ts'
export { type CompleteOptions, complete } from './jobs/complete.ts'
export {
  type CompleteAndClaimOptions,
  type CompleteAndClaimResult,
  completeAndClaim,
} from './jobs/complete-and-claim.ts'
export { type CompleteManyResult, completeMany } from './jobs/complete-many.ts'
export { type EnqueueOneOptions, type EnqueueOptions, type EnqueueResult, enqueue } from './jobs/enqueue.ts'
export { type EnqueueChildrenOptions, enqueueChildren } from './jobs/enqueue-children.ts'
export { enqueueMany } from './jobs/enqueue-many.ts'
export { type AddJobOutputOptions, addJobOutput } from './jobs/events/add-job-output.ts'
export { getCheckpoint, type SaveCheckpointOptions, saveCheckpoint } from './jobs/events/checkpoint.ts'
export { setJobEvents } from './jobs/events/set-job-events.ts'
export { type JobEvent, type WatchJobOptions, watchJob } from './jobs/events/watch-job.ts'
export { type FailOptions, fail } from './jobs/fail.ts'
export { failMany } from './jobs/fail-many.ts'
export { getJob } from './jobs/get-job.ts'
export { type HeartbeatOptions, heartbeat, type LeaseState } from './jobs/heartbeat.ts'
export { jobAttempts } from './jobs/job-attempts.ts'
export type { JobFilter } from './jobs/job-filter.ts'
export { type JobTreeNode, jobTree } from './jobs/job-tree.ts'
export { type LatencyStats, latencyStats, type Percentiles } from './jobs/latency-stats.ts'
export type { Lease, SettleOutcome } from './jobs/lease.ts'
export { type JobPage, type ListJobsOptions, listJobs } from './jobs/list-jobs.ts'
export { type OnJobsOptions, onJobs } from './jobs/on-jobs.ts'
export { type PauseQueueOptions, pauseQueue, resumeQueue } from './jobs/pause-queue.ts'
export { type PruneOptions, prune } from './jobs/prune.ts'
export { type QueueStats, queueStats, type StatsOptions } from './jobs/queue-stats.ts'
export { reject } from './jobs/reject.ts'
export { release } from './jobs/release.ts'
export { type ReportProgressOptions, reportProgress } from './jobs/report-progress.ts'
export { type AnswerOutcome, type ResumeOptions, resume } from './jobs/resume.ts'
export { type RetryOptions, type RetryOutcome, retry } from './jobs/retry.ts'
export {
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  type ScheduleKey,
} from './jobs/schedules/change-schedule.ts'
export { type DueSlots, type EnqueuedSlot, enqueueDueSlots } from './jobs/schedules/enqueue-due-slots.ts'
export { type ListedSchedule, listSchedules } from './jobs/schedules/list-schedules.ts'
export { type PutScheduleOptions, putSchedule } from './jobs/schedules/put-schedule.ts'
export {
  type RunSchedulesOptions,
  runSchedules,
  type ScheduleRunner,
} from './jobs/schedules/run-schedules.ts'
export { dropJobLimit, type JobLimitOptions, setJobLimit } from './jobs/set-job-limit.ts'
export { setJobNotifications } from './jobs/set-job-notifications.ts'
export { type SnoozeOptions, snooze } from './jobs/snooze.ts'
export { type StuckJob, type StuckJobsOptions, stuckJobs } from './jobs/stuck-jobs.ts'
export { type TakeBackExpiredOptions, takeBackExpired } from './jobs/take-back-expired.ts'
export { type UsageStats, usageStats } from './jobs/usage-stats.ts'
export { type WaitForOptions, type WaitForResult, waitFor } from './jobs/wait-for.ts'
export { type WaitForJobOptions, waitForJob } from './jobs/wait-for-job.ts'
export type { Handler, JobContext } from './jobs/worker/handler.ts'
export { type AbortReason, JobAbortedError } from './jobs/worker/job-aborted-error.ts'
export { LeaseLostError } from './jobs/worker/lease-lost-error.ts'
export type { ErrorContext } from './jobs/worker/report-errors.ts'
export { activeTraceparent } from './jobs/worker/telemetry.ts'
export { type Worker, work } from './jobs/worker/work.ts'
export type { WorkOptions } from './jobs/worker/work-options.ts'
export type { WorkerEvent, WorkerEventType } from './jobs/worker/worker-event.ts'
export { beginModelChange } from './memory/begin-model-change.ts'
export { type Bm25ScoreOptions, bm25Score } from './memory/bm25-score.ts'
export {
  type Bm25Result,
  type Bm25SearchOptions,
  bm25Search,
  type Corrections,
  type SearchResult,
} from './memory/bm25-search.ts'
export { cancelModelChange } from './memory/cancel-model-change.ts'
export type { Difference, TunedMethod } from './memory/choose-fusion.ts'
export { type CountMemoriesOptions, countMemories } from './memory/count-memories.ts'
export {
  type CreateMemoryOptions,
  createMemory,
  type Embedded,
  type EmbeddingMemory,
  type RecallByTextOptions,
  type Recalled,
  type RememberByTextOptions,
  type RememberedResult,
} from './memory/create-memory.ts'
export { type EmbedPendingOptions, type EmbedPendingResult, embedPending } from './memory/embed-pending.ts'
export type { Embedding } from './memory/embedding.ts'
export {
  type EmbeddingModel,
  embeddingModel,
  type ModelName,
  useEmbeddingModel,
} from './memory/embedding-model.ts'
export { type EraseOptions, type EraseResult, erase } from './memory/erase.ts'
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type MethodScores,
  type StandardMethod,
} from './memory/evaluate.ts'
export {
  type ExplainedLexeme,
  type ExplainedResult,
  type ExplainSearchOptions,
  explainSearch,
  type LexemeContribution,
  type SearchExplanation,
} from './memory/explain-search.ts'
export {
  type ExportedMemory,
  type ExportMemoriesOptions,
  exportMemories,
} from './memory/export-memories.ts'
export {
  type FinishedModelChange,
  type FinishModelChangeOptions,
  finishModelChange,
} from './memory/finish-model-change.ts'
export { type ForgetOptions, forget } from './memory/forget.ts'
export type { Fusion } from './memory/fuse.ts'
export {
  type GetMemoriesOptions,
  type GetMemoryOptions,
  getMemories,
  getMemory,
  type Memory,
  memoryColumns,
} from './memory/get-memory.ts'
export { grantNamespaces, revokeNamespaces } from './memory/grant-namespaces.ts'
export { type HighlightOptions, highlight } from './memory/highlight.ts'
export type { MemoryHistoryEntry } from './memory/history-entries.ts'
export { type HybridResult, type HybridSearchOptions, hybridSearch } from './memory/hybrid-search.ts'
export type { JudgedQuery } from './memory/judged-queries.ts'
export { type ListMemoriesOptions, listMemories, type MemoryPage } from './memory/list-memories.ts'
export {
  type MemoryHistory,
  type MemoryHistoryOptions,
  type MemoryVersion,
  memoryHistory,
  type PruneMemoryHistoryOptions,
  pruneMemoryHistory,
  setMemoryHistory,
  withActor,
} from './memory/memory-history.ts'
export { memoryId, namespacedId } from './memory/memory-id.ts'
export { type Gains, ndcgAt, recallAt, reciprocalRank } from './memory/metrics.ts'
export {
  disableNamespaceIsolation,
  enableNamespaceIsolation,
  type NamespaceIsolationOptions,
} from './memory/namespace-isolation.ts'
export type { NearDuplicate } from './memory/near-duplicates.ts'
export { type ErasureProof, type ProveErasedOptions, proveErased } from './memory/prove-erased.ts'
export { type PruneExpiredOptions, pruneExpired } from './memory/prune-expired.ts'
export { type RecallOptions, recall } from './memory/recall.ts'
export { type DocumentResult, recallDocuments } from './memory/recall-documents.ts'
export {
  type NewMemory,
  type RememberOptions,
  type RememberResult,
  remember,
  type SameText,
} from './memory/remember.ts'
export {
  type DocumentPart,
  type ForgetDocumentOptions,
  forgetDocument,
  type RememberDocumentOptions,
  type RememberDocumentResult,
  rememberDocument,
} from './memory/remember-document.ts'
export { type RememberManyOptions, rememberMany } from './memory/remember-many.ts'
export type { MemoryScope } from './memory/scope.ts'
export {
  type ReindexSearchOptions,
  type ReindexSearchResult,
  reindexSearch,
  type SearchDictionaryStatus,
  searchDictionaryStatus,
} from './memory/search-dictionary.ts'
export type {
  HybridFilter,
  ListFilter,
  PagedFilter,
  SearchCursor,
  SearchFilter,
  SearchOptions,
} from './memory/search-filter.ts'
export { foldSearchStatistics, rebuildSearchStatistics } from './memory/search-statistics.ts'
export { type SettleOptions, settleEmbeddings } from './memory/settle-embeddings.ts'
export {
  type SupersedeByOptions,
  type SupersedeResult,
  type SupersedeWithTextOptions,
  supersede,
} from './memory/supersede.ts'
export {
  type Estimate,
  type TunedWeights,
  type TuneWeightsOptions,
  tuneWeights,
} from './memory/tune-weights.ts'
export { type UseVectorIndexOptions, useVectorIndex, type VectorIndex } from './memory/use-vector-index.ts'
export {
  type VectorIndexHealth,
  type VectorIndexHealthOptions,
  vectorIndexHealth,
} from './memory/vector-index-health.ts'
export type { VectorIndexMethod, VectorIndexParameters } from './memory/vector-index-plan.ts'
export type { VectorIndexProgress } from './memory/vector-index-progress.ts'
export { type VectorResult, type VectorSearchOptions, vectorSearch } from './memory/vector-search.ts'
export type {
  Comparison,
  MetadataComparison,
  TagsComparison,
  Where,
  WherePath,
} from './memory/where.ts'
export type {
  ExecutionMode,
  Job,
  JobAttempt,
  JobError,
  JobStatus,
  JobUsage,
  Json,
  JsonObject,
  MemoryItem,
  ModelUsage,
  NewJob,
  NewMemoryItem,
  NewSchedule,
  Schedule,
} from './schema/index.ts'
export * as schema from './schema/index.ts'
