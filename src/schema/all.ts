// Everything that the migrations make: what services import, the internal tables, and the triggers.
export * from './enums.ts'
export * from './job-attempts.ts'
export * from './jobs.ts'
export * from './memory-items.ts'
export * from './namespace-roles.ts'
export * from './role-rights.ts'
export * from './search-statistics.ts'
