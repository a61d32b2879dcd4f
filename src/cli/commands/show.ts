import { getMemory, type Memory } from '../../memory/get-memory.ts'
import type { Define } from '../command.ts'
import { withDatabase } from '../connection.ts'
import { CommandError } from '../exit.ts'
import { time } from '../format.ts'
import { fieldLines } from '../table.ts'
import { onOneLine, printable, type Terminal } from '../terminal.ts'
import { wholeMemoryId } from './ids.ts'

export const defineShow: Define = (program, handler) => {
  program
    .command('show')
    .summary('all of a memory')
    .description('Shows all of a memory: its text, tags, times and whether it has a vector.')
    .argument('<id>', 'its id, or the beginning of it')
    .action(
      handler<object, [string]>(async (context, options, given) => {
        const memory = await withDatabase(context, options, async ({ db }) =>
          getMemory(db, { id: await wholeMemoryId(db, given) }),
        )
        if (memory === null) throw new CommandError(`there is no memory with the id "${given}"`)
        if (options.json) await context.out.json(memory)
        else await context.out.lines(...memoryLines(context.out.terminal, memory))
        return 0
      }),
    )
}

function memoryLines(terminal: Terminal, memory: Memory): string[] {
  const { expiresAt, embedding, speakerId, tags, supersededAt, supersededBy, documentId } = memory
  const isExpired = expiresAt !== null && expiresAt <= new Date()
  return [
    printable(memory.text),
    '',
    ...fieldLines(terminal, [
      ['id', onOneLine(memory.id)],
      ['namespace', onOneLine(memory.namespace)],
      ['tags', tags.length > 0 ? tags.map(onOneLine).join(', ') : '–'],
      ['speaker', speakerId === null ? '–' : onOneLine(speakerId)],
      ['importance', String(memory.importance)],
      ['metadata', onOneLine(JSON.stringify(memory.metadata))],
      ['vector', embedding === null ? 'none yet' : `${embedding.length} numbers`],
      ...(supersededAt === null
        ? []
        : [['superseded', `${time(supersededAt)} by ${onOneLine(supersededBy ?? '')}`] as const]),
      ...(documentId === null
        ? []
        : [['document', `${onOneLine(documentId)}, part ${memory.documentPlace}`] as const]),
      ...(memory.validFrom === null ? [] : [['true from', time(memory.validFrom)] as const]),
      ...(memory.validTo === null ? [] : [['true until', time(memory.validTo)] as const]),
      ['created', time(memory.createdAt)],
      ['updated', time(memory.updatedAt)],
      [
        'expires',
        expiresAt === null
          ? 'never'
          : `${time(expiresAt)}${isExpired ? ' (it has: no search finds it)' : ''}`,
      ],
    ]),
  ]
}
