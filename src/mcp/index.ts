export type { HttpOptions } from './http-guard.ts'
export { type McpServerOptions, mcpServerFactory } from './mcp-server.ts'
export { type RunMcpOptions, type RunningMcp, runMcp } from './run-mcp.ts'
export type { ToolName, ToolOptions } from './tools/index.ts'
