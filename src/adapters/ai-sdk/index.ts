export { type DatabaseTools, type DatabaseToolsOptions, databaseTools } from './tools.ts'
