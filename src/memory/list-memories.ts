import { desc, sql } from 'drizzle-orm'
import { checkedInteger, checkText } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { readingFrom } from '../database/replicas.ts'
import { builtRows } from '../database/rows.ts'
import { api, inSchemaOf } from '../database/schema-name.ts'
import { InvalidInputError } from '../errors.ts'
import { memoryItems } from '../schema/memory-items.ts'
import { filterSql, filterText, type SearchFilter, textArraySql } from '../search/search-filter.ts'
import { type Memory, memoryColumns } from './get-memory.ts'

export interface ListMemoriesOptions {
  readonly namespace?: string
  readonly speakerId?: string
  /** Memories with any of these tags. */
  readonly tags?: readonly string[]
  /** Expired ones too; false by default. */
  readonly includeExpired?: boolean
  /** Superseded ones too; false by default. */
  readonly includeSuperseded?: boolean
  /** What else they must meet, as in a search. */
  readonly filter?: SearchFilter
  /** 1 to 1000; 50 by default. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly after?: string
}

const optionKeys = {
  namespace: true,
  speakerId: true,
  tags: true,
  includeExpired: true,
  includeSuperseded: true,
  filter: true,
  limit: true,
  after: true,
} satisfies OptionKeys<ListMemoriesOptions>

export interface MemoryPage {
  readonly items: Memory[]
  /** What to pass as `after` for the next page; null on the last. */
  readonly next: string | null
}

/**
 * Lists memories, the newest first, a page at a time. Pages are found by key, not by offset: the thousandth costs what
 * the first does, and rows that come or go in between shift nothing.
 *
 * @throws InvalidInputError for a limit out of range or an `after` that no page gave.
 * @example
 * for (let after: string | undefined; ; ) {
 *   const { items, next } = await listMemories(db, { namespace: 'ana', ...(after && { after }) })
 *   if (next === null) break
 *   after = next
 * }
 */
export async function listMemories(db: Database, options: ListMemoriesOptions = {}): Promise<MemoryPage> {
  checkOptions(options, optionKeys)
  const { namespace, speakerId, tags, includeExpired = false, includeSuperseded = false, filter } = options
  const limit = checkedInteger(options.limit, 'limit', { from: 1, to: 1000, otherwise: 50 })
  if (namespace !== undefined) checkText(namespace, 'namespace')
  if (speakerId !== undefined) checkText(speakerId, 'speakerId')
  const narrowed = {
    ...filter,
    ...(namespace === undefined ? {} : { namespace }),
    ...(speakerId === undefined ? {} : { speakerId }),
    ...(includeExpired ? { expired: true } : {}),
    ...(includeSuperseded ? { superseded: true } : {}),
    ...(options.after === undefined ? {} : { after: readCursor(options.after) }),
  }
  if (filter !== undefined) filterText(filter)
  const page = sql`${api(db)}list_memories(${textArraySql(tags, 'tags')}, ${String(limit + 1)}::text::integer, ${filterSql(narrowed)})`
  const rows = await readingFrom(db, (from) =>
    builtRows(() =>
      from
        // The cursor needs the microseconds that a JavaScript Date does not have.
        .select({
          ...memoryColumns,
          moment: sql<string>`(extract(epoch FROM ${memoryItems.createdAt}) * 1000000)::bigint::text`,
        })
        // On the left, so that the function is called, and refuses what it refuses, however few memories there are.
        .from(sql`${page} AS page`)
        .leftJoin(inSchemaOf(db, memoryItems), sql`${memoryItems.id} = page.id`)
        .orderBy(desc(memoryItems.createdAt), desc(memoryItems.id)),
    ),
  )
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    // Every row of the page is one of the table.
    items: rows.slice(0, limit).map(({ moment: _, ...memory }) => memory as Memory),
    next:
      last === undefined ? null : Buffer.from(JSON.stringify([last.moment, last.id])).toString('base64url'),
  }
}

/** The place after which a page begins, as list_memories takes it. */
function readCursor(after: string): { readonly created_at: string; readonly id: string } {
  try {
    const [moment, id] = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'))
    if (typeof moment === 'string' && /^-?\d{1,18}$/.test(moment) && typeof id === 'string') {
      const micros = BigInt(moment)
      const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
      const second = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, 19)
      return { created_at: `${second}.${String(fraction).padStart(6, '0')}Z`, id }
    }
  } catch {
    // Not JSON, or no time: refused below, like any other text that no page gave.
  }
  throw new InvalidInputError(
    `after must be the "next" of an earlier page, got "${String(after).slice(0, 60)}"`,
  )
}
