import { ConfigurationError } from '../../errors.ts'
import { addMemory } from './add-memory.ts'
import { answerJob } from './answer-job.ts'
import { cancelJob } from './cancel-job.ts'
import { deleteAllMemories } from './delete-all-memories.ts'
import { deleteMemory } from './delete-memory.ts'
import { enqueueJob } from './enqueue-job.ts'
import { getJob } from './get-job.ts'
import { getMemories } from './get-memories.ts'
import { getMemory } from './get-memory.ts'
import { listJobs } from './list-jobs.ts'
import { searchMemories } from './search-memories.ts'
import type { Tool } from './tool.ts'
import { updateMemory } from './update-memory.ts'

/** The tools by name, in the order in which a model reads them. */
export const tools = {
  add_memory: addMemory,
  search_memories: searchMemories,
  get_memories: getMemories,
  get_memory: getMemory,
  update_memory: updateMemory,
  delete_memory: deleteMemory,
  delete_all_memories: deleteAllMemories,
  enqueue_job: enqueueJob,
  list_jobs: listJobs,
  get_job: getJob,
  cancel_job: cancelJob,
  answer_job: answerJob,
} as const

export type ToolName = keyof typeof tools

/** The tools that change nothing. */
export type ReaderName = 'search_memories' | 'get_memories' | 'get_memory' | 'list_jobs' | 'get_job'

/** Which tools are offered, and how. */
export interface ToolOptions {
  /** Pins one namespace: no argument, filter or id reaches another. */
  readonly namespace?: string
  /** Only the tools that change nothing; false by default. */
  readonly readOnly?: boolean
  /** Only these tools; all by default. */
  readonly tools?: readonly string[]
}

/**
 * The tools that are offered. Where a namespace is pinned they have no argument for one.
 *
 * @throws ConfigurationError for a name that no tool has, or if none is left.
 */
export function selectedTools({ namespace, readOnly = false, tools: names }: ToolOptions): Tool[] {
  const unknown = names?.find((name) => !Object.hasOwn(tools, name))
  if (unknown !== undefined) {
    throw new ConfigurationError(
      `tools must be names of tools (${Object.keys(tools).join(', ')}), got "${unknown}"`,
    )
  }
  const selected = (Object.values(tools) as unknown as Tool[]).filter(
    (tool) => (names?.includes(tool.name) ?? true) && (!readOnly || tool.readOnly === true),
  )
  if (selected.length === 0) {
    throw new ConfigurationError(
      `no tool is left: of ${names?.join(', ') ?? 'none'} each changes something, and readOnly is set`,
    )
  }
  if (namespace === undefined) return selected
  return selected.map((tool) =>
    'namespace' in tool.input.shape ? { ...tool, input: tool.input.omit({ namespace: true }) } : tool,
  )
}
