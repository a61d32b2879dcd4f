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
export { beginModelChange } from './embedding/begin-model-change.ts'
export { cancelModelChange } from './embedding/cancel-model-change.ts'
export { type EmbedPendingOptions, type EmbedPendingResult, embedPending } from './embedding/embed-pending.ts'
export type { Embedder, EmbedOptions } from './embedding/embedder.ts'
export type { Embedding } from './embedding/embedding.ts'
export {
  type EmbeddingModel,
  embeddingModel,
  type ModelName,
  useEmbeddingModel,
} from './embedding/embedding-model.ts'
export {
  type FinishedModelChange,
  type FinishModelChangeOptions,
  finishModelChange,
} from './embedding/finish-model-change.ts'
export { type OpenaiEmbedderOptions, openaiEmbedder } from './embedding/openai-embedder.ts'
export { type SettleOptions, settleEmbeddings } from './embedding/settle-embeddings.ts'
export {
  type FeatureExtractor,
  type TransformersEmbedder,
  type TransformersEmbedderOptions,
  type TransformersModule,
  transformersEmbedder,
} from './embedding/transformers-embedder.ts'
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
export { grantNamespaces, revokeNamespaces } from './isolation/grant-namespaces.ts'
export {
  disableNamespaceIsolation,
  enableNamespaceIsolation,
  type NamespaceIsolationOptions,
} from './isolation/namespace-isolation.ts'
export { type ClaimedJob, type ClaimOptions, claim } from './jobs/claim/claim.ts'
export {
  type CompleteAndClaimOptions,
  type CompleteAndClaimResult,
  completeAndClaim,
} from './jobs/claim/complete-and-claim.ts'
export { type TakeBackExpiredOptions, takeBackExpired } from './jobs/claim/take-back-expired.ts'
export {
  type EnqueueOneOptions,
  type EnqueueOptions,
  type EnqueueResult,
  enqueue,
} from './jobs/enqueue/enqueue.ts'
export { type EnqueueChildrenOptions, enqueueChildren } from './jobs/enqueue/enqueue-children.ts'
export { enqueueMany } from './jobs/enqueue/enqueue-many.ts'
export { type AddJobOutputOptions, addJobOutput } from './jobs/events/add-job-output.ts'
export { getCheckpoint, type SaveCheckpointOptions, saveCheckpoint } from './jobs/events/checkpoint.ts'
export { setJobEvents } from './jobs/events/set-job-events.ts'
export { type JobEvent, type WatchJobOptions, watchJob } from './jobs/events/watch-job.ts'
export type { Lease, SettleOutcome } from './jobs/lease.ts'
export { type CancelOptions, type CancelOutcome, cancel } from './jobs/operating/cancel.ts'
export { type ChangeJobOptions, changeJob } from './jobs/operating/change-job.ts'
export { type ChangeManyOptions, cancelJobs, countJobs, retryJobs } from './jobs/operating/change-many.ts'
export { type PauseQueueOptions, pauseQueue, resumeQueue } from './jobs/operating/pause-queue.ts'
export { type PruneOptions, prune } from './jobs/operating/prune.ts'
export { type RetryOptions, type RetryOutcome, retry } from './jobs/operating/retry.ts'
export { dropJobLimit, type JobLimitOptions, setJobLimit } from './jobs/operating/set-job-limit.ts'
export { setJobNotifications } from './jobs/operating/set-job-notifications.ts'
export { getJob } from './jobs/reading/get-job.ts'
export { jobAttempts } from './jobs/reading/job-attempts.ts'
export type { JobFilter } from './jobs/reading/job-filter.ts'
export { type JobTreeNode, jobTree } from './jobs/reading/job-tree.ts'
export { type LatencyStats, latencyStats, type Percentiles } from './jobs/reading/latency-stats.ts'
export { type JobPage, type ListJobsOptions, listJobs } from './jobs/reading/list-jobs.ts'
export { type OnJobsOptions, onJobs } from './jobs/reading/on-jobs.ts'
export { type QueueStats, queueStats, type StatsOptions } from './jobs/reading/queue-stats.ts'
export { type StuckJob, type StuckJobsOptions, stuckJobs } from './jobs/reading/stuck-jobs.ts'
export { type UsageStats, usageStats } from './jobs/reading/usage-stats.ts'
export { type WaitForJobOptions, waitForJob } from './jobs/reading/wait-for-job.ts'
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
export { type AddUsageOptions, addUsage } from './jobs/settle/add-usage.ts'
export { type CompleteOptions, complete } from './jobs/settle/complete.ts'
export { type CompleteManyResult, completeMany } from './jobs/settle/complete-many.ts'
export { type FailOptions, fail } from './jobs/settle/fail.ts'
export { failMany } from './jobs/settle/fail-many.ts'
export { type HeartbeatOptions, heartbeat, type LeaseState } from './jobs/settle/heartbeat.ts'
export { release } from './jobs/settle/release.ts'
export { type ReportProgressOptions, reportProgress } from './jobs/settle/report-progress.ts'
export { type SnoozeOptions, snooze } from './jobs/settle/snooze.ts'
export { type ApprovalOptions, approve } from './jobs/waiting/approve.ts'
export { reject } from './jobs/waiting/reject.ts'
export { type AnswerOutcome, type ResumeOptions, resume } from './jobs/waiting/resume.ts'
export { type WaitForOptions, type WaitForResult, waitFor } from './jobs/waiting/wait-for.ts'
export type { Handler, JobContext } from './jobs/worker/handler.ts'
export { type AbortReason, JobAbortedError } from './jobs/worker/job-aborted-error.ts'
export { LeaseLostError } from './jobs/worker/lease-lost-error.ts'
export type { ErrorContext } from './jobs/worker/report-errors.ts'
export { activeTraceparent } from './jobs/worker/telemetry.ts'
export { type Worker, work } from './jobs/worker/work.ts'
export type { WorkOptions } from './jobs/worker/work-options.ts'
export type { WorkerEvent, WorkerEventType } from './jobs/worker/worker-event.ts'
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
export { type EraseOptions, type EraseResult, erase } from './memory/erase.ts'
export {
  type ExportedMemory,
  type ExportMemoriesOptions,
  exportMemories,
} from './memory/export-memories.ts'
export { type ForgetOptions, forget } from './memory/forget.ts'
export {
  type GetMemoriesOptions,
  type GetMemoryOptions,
  getMemories,
  getMemory,
  type Memory,
  memoryColumns,
} from './memory/get-memory.ts'
export type { MemoryHistoryEntry } from './memory/history-entries.ts'
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
export type { NearDuplicate } from './memory/near-duplicates.ts'
export type { NewMemory, RememberOptions, RememberResult, SameText } from './memory/new-memory.ts'
export { type ErasureProof, type ProveErasedOptions, proveErased } from './memory/prove-erased.ts'
export { type PruneExpiredOptions, pruneExpired } from './memory/prune-expired.ts'
export { remember } from './memory/remember.ts'
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
  type SupersedeByOptions,
  type SupersedeResult,
  type SupersedeWithTextOptions,
  supersede,
} from './memory/supersede.ts'
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
export { type Bm25ScoreOptions, bm25Score } from './search/bm25-score.ts'
export {
  type Bm25Result,
  type Bm25SearchOptions,
  bm25Search,
  type Corrections,
  type SearchResult,
} from './search/bm25-search.ts'
export {
  type ExplainedLexeme,
  type ExplainedResult,
  type ExplainSearchOptions,
  explainSearch,
  type LexemeContribution,
  type SearchExplanation,
} from './search/explain-search.ts'
export { type HighlightOptions, highlight } from './search/highlight.ts'
export { type HybridResult, type HybridSearchOptions, hybridSearch } from './search/hybrid-search.ts'
export { type RecallOptions, recall } from './search/recall.ts'
export { type DocumentResult, recallDocuments } from './search/recall-documents.ts'
export {
  type ReindexSearchOptions,
  type ReindexSearchResult,
  reindexSearch,
  type SearchDictionaryStatus,
  searchDictionaryStatus,
} from './search/search-dictionary.ts'
export type {
  HybridFilter,
  ListFilter,
  PagedFilter,
  SearchCursor,
  SearchFilter,
  SearchOptions,
} from './search/search-filter.ts'
export { foldSearchStatistics, rebuildSearchStatistics } from './search/search-statistics.ts'
export { type VectorResult, type VectorSearchOptions, vectorSearch } from './search/vector-search.ts'
export type {
  Comparison,
  MetadataComparison,
  TagsComparison,
  Where,
  WherePath,
} from './search/where.ts'
export type { Difference, TunedMethod } from './tuning/choose-fusion.ts'
export {
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  type MethodScores,
  type StandardMethod,
} from './tuning/evaluate.ts'
export type { Fusion } from './tuning/fuse.ts'
export type { JudgedQuery } from './tuning/judged-queries.ts'
export { type Gains, ndcgAt, recallAt, reciprocalRank } from './tuning/metrics.ts'
export {
  type Estimate,
  type TunedWeights,
  type TuneWeightsOptions,
  tuneWeights,
} from './tuning/tune-weights.ts'
export {
  type VectorIndexHealth,
  type VectorIndexHealthOptions,
  vectorIndexHealth,
} from './vector-index/health.ts'
export type { VectorIndexMethod, VectorIndexParameters } from './vector-index/plan.ts'
export type { VectorIndexProgress } from './vector-index/progress.ts'
export {
  type UseVectorIndexOptions,
  useVectorIndex,
  type VectorIndex,
} from './vector-index/use-vector-index.ts'
