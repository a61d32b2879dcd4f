import type { betaMemoryTool } from '@anthropic-ai/sdk/helpers/beta/memory'
import type { BaseStore } from '@langchain/langgraph-checkpoint'
import type { ToolSet } from 'ai'
import { expectTypeOf, it } from 'vitest'
import { databaseTools } from '../../src/adapters/ai-sdk/index.ts'
import { databaseMemoryTool } from '../../src/adapters/anthropic/index.ts'
import type { DatabaseStore } from '../../src/adapters/langgraph/index.ts'
import type { Database } from '../../src/index.ts'

declare const db: Database

it('gives what each library takes', () => {
  expectTypeOf(databaseMemoryTool(db)).toExtend<Parameters<typeof betaMemoryTool>[0]>()
  expectTypeOf<DatabaseStore>().toExtend<BaseStore>()
  expectTypeOf(databaseTools(db)).toExtend<ToolSet>()
})

it('knows which tools there are', () => {
  const chosen = databaseTools(db, { tools: ['add_memory', 'get_job'] })
  expectTypeOf(chosen).toHaveProperty('add_memory')
  expectTypeOf(chosen).not.toHaveProperty('get_memory')
  const readers = databaseTools(db, { readOnly: true })
  expectTypeOf(readers).toHaveProperty('get_memory')
  expectTypeOf(readers).not.toHaveProperty('add_memory')
})
