import type { Define } from '../command.ts'
import { defineDoctor } from './doctor.ts'
import { defineMcp } from './mcp.ts'
import { defineMigrate } from './migrate.ts'
import { defineMoveNamespace } from './move-namespace.ts'
import { defineReindex } from './reindex.ts'
import { defineReset } from './reset.ts'
import { defineStatus } from './status.ts'
import { defineStudio } from './studio.ts'

/** The commands about the database itself. */
export const defineDatabaseCommands: Define = (program, handler) => {
  for (const define of [
    defineMigrate,
    defineStatus,
    defineDoctor,
    defineMcp,
    defineStudio,
    defineMoveNamespace,
    defineReindex,
    defineReset,
  ])
    define(program, handler)
}
