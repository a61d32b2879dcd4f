export { type DatabaseMemoryTool, databaseMemoryTool, type MemoryToolOptions } from './memory-tool.ts'
