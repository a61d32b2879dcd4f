import type { Define } from '../command.ts'
import { defineAdd } from './add.ts'
import { defineForget } from './forget.ts'
import { defineList } from './list.ts'
import { defineSearch } from './search.ts'
import { defineShow } from './show.ts'

/** The commands about memories. */
export const defineMemoryCommands: Define = (program, handler) => {
  for (const define of [defineAdd, defineSearch, defineShow, defineList, defineForget])
    define(program, handler)
}
