import type { Define } from '../command.ts'
import { defineAdd } from './add.ts'
import { defineEmbed } from './embed.ts'
import { defineErase } from './erase.ts'
import { defineExport } from './export.ts'
import { defineForget } from './forget.ts'
import { defineImport } from './import.ts'
import { defineList } from './list.ts'
import { defineModel } from './model.ts'
import { defineSearch } from './search.ts'
import { defineShow } from './show.ts'

const defines = [
  defineAdd,
  defineSearch,
  defineShow,
  defineList,
  defineForget,
  defineErase,
  defineImport,
  defineExport,
  defineEmbed,
  defineModel,
]

/** The commands about memories. */
export const defineMemoryCommands: Define = (program, handler) => {
  for (const define of defines) define(program, handler)
}
