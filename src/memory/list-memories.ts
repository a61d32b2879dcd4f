import { and, arrayOverlaps, desc, eq, gt, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { translatingErrors } from '../database/rows.ts'
import { inSchemaOf } from '../database/schema-name.ts'
import { InvalidInputError } from '../errors.ts'
import { memoryItems } from '../schema/memory-items.ts'
import { checkedInteger, checkText } from './check.ts'
import { type Memory, memoryColumns } from './get-memory.ts'
import { textArraySql } from './search-filter.ts'

export interface ListMemoriesOptions {
  readonly namespace?: string
  readonly speakerId?: string
  /** Memories with any of these tags. */
  readonly tags?: readonly string[]
  /** Expired ones too; false by default. */
  readonly includeExpired?: boolean
  /** 1 to 1000; 50 by default. */
  readonly limit?: number
  /** `next` of the page before. */
  readonly after?: string
}

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
  const limit = checkedInteger(options.limit, 'limit', { from: 1, to: 1000, otherwise: 50 })
  if (options.namespace !== undefined) checkText(options.namespace, 'namespace')
  if (options.speakerId !== undefined) checkText(options.speakerId, 'speakerId')
  const conditions: (SQL | undefined)[] = [
    options.namespace === undefined ? undefined : eq(memoryItems.namespace, options.namespace),
    options.speakerId === undefined ? undefined : eq(memoryItems.speakerId, options.speakerId),
    options.tags?.length ? arrayOverlaps(memoryItems.tags, textArraySql(options.tags, 'tags')) : undefined,
    options.includeExpired
      ? undefined
      : or(isNull(memoryItems.expiresAt), gt(memoryItems.expiresAt, sql`now()`)),
    options.after === undefined ? undefined : beforeCursor(options.after),
  ]
  const rows = await translatingErrors(() =>
    db
      // The cursor needs the microseconds that a JavaScript Date does not have.
      .select({
        ...memoryColumns,
        moment: sql<string>`(extract(epoch FROM ${memoryItems.createdAt}) * 1000000)::bigint::text`,
      })
      .from(inSchemaOf(db, memoryItems))
      .where(and(...conditions))
      .orderBy(desc(memoryItems.createdAt), desc(memoryItems.id))
      .limit(limit + 1),
  )
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    items: rows.slice(0, limit).map(({ moment: _, ...memory }) => memory),
    next:
      last === undefined ? null : Buffer.from(JSON.stringify([last.moment, last.id])).toString('base64url'),
  }
}

function beforeCursor(after: string): SQL {
  const [moment, id] = readCursor(after)
  return sql`(${memoryItems.createdAt}, ${memoryItems.id}) < ('epoch'::timestamptz + ${moment}::text::bigint * interval '1 microsecond', ${id}::text)`
}

function readCursor(after: string): [string, string] {
  try {
    const [moment, id] = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'))
    if (typeof moment === 'string' && /^-?\d{1,18}$/.test(moment) && typeof id === 'string')
      return [moment, id]
  } catch {
    // Not JSON: refused below, like any other text that no page gave.
  }
  throw new InvalidInputError(
    `after must be the "next" of an earlier page, got "${String(after).slice(0, 60)}"`,
  )
}
