import { type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { queryRows, translatingErrors } from '../../database/rows.ts'
import { type EmbeddingModel, embeddingModel } from '../../embedding/embedding-model.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import { textArraySql } from '../../search/search-filter.ts'
import { lineColumns } from './columns.ts'
import { withHistories } from './history.ts'

export interface ExportOptions {
  readonly namespace?: string
  readonly speakerId?: string
  /** Memories with any of these tags. */
  readonly tags?: readonly string[]
  /** Created at or after this, ISO 8601. */
  readonly since?: string
  /** Created before this. */
  readonly until?: string
  /** False leaves the vectors out, and with them most of the size. True by default. */
  readonly embeddings?: boolean
  /** False leaves out what has expired. True by default. */
  readonly expired?: boolean
}

/** So many bytes are read at a time, about: rows differ in size by three orders of magnitude. */
const bytesAtATime = 1_000_000

/**
 * Every memory as a line of JSON, whose keys are the columns, in the order of ids and as of one moment. The database
 * writes the JSON itself: times keep their microseconds, numbers in metadata all their digits.
 *
 * @returns lines without their line break, some at a time.
 */
export async function exportRows(
  db: Database,
  options: ExportOptions,
  onLines: (lines: readonly string[]) => Promise<void>,
): Promise<number> {
  let exported = 0
  await translatingErrors(() =>
    db.transaction(
      async (transaction) => {
        await transaction.execute(sql`SET LOCAL timezone = 'UTC'`)
        await transaction.execute(
          sql`DECLARE exported NO SCROLL CURSOR FOR ${selectLines(options, await embeddingModel(transaction))}`,
        )
        for (let wanted = 100; ; ) {
          const rows = await queryRows(transaction, sql.raw(`FETCH FORWARD ${wanted} FROM exported`))
          if (rows.length === 0) break
          const read = rows.map(({ id, line }) => ({ id: String(id), line: String(line) }))
          const lines = (await withHistories(transaction, read)).map(({ line }) => line)
          await onLines(lines)
          exported += lines.length
          const bytes = lines.reduce((sum, line) => sum + line.length, 0) / lines.length
          wanted = Math.max(1, Math.min(5000, Math.floor(bytesAtATime / bytes)))
        }
      },
      { isolationLevel: 'repeatable read', accessMode: 'read only' },
    ),
  )
  return exported
}

/** How many memories an export of these options has. */
export async function countRows(db: Database, options: ExportOptions): Promise<number> {
  const [row] = await queryRows(
    db,
    sql`SELECT count(*) AS rows FROM ${memoryItems} AS m WHERE ${conditions(options)}`,
  )
  return Number(row?.rows)
}

function selectLines(options: ExportOptions, model: EmbeddingModel): SQL {
  return sql`
    SELECT memory.id, row_to_json(memory)::text AS line
    FROM (
      SELECT ${lineColumns(model, options.embeddings ?? true)} FROM ${memoryItems} AS m WHERE ${conditions(options)}
    ) AS memory
    ORDER BY memory.id
  `
}

function conditions({ namespace, speakerId, tags, since, until, expired = true }: ExportOptions): SQL {
  const given: SQL[] = [sql`true`]
  if (namespace !== undefined) given.push(sql`m.namespace = ${namespace}::text`)
  if (speakerId !== undefined) given.push(sql`m.speaker_id = ${speakerId}::text`)
  if (since !== undefined) given.push(sql`m.created_at >= ${since}::text::timestamptz`)
  if (until !== undefined) given.push(sql`m.created_at < ${until}::text::timestamptz`)
  if (tags !== undefined && tags.length > 0) given.push(sql`m.tags && ${textArraySql(tags, 'tags')}`)
  if (!expired) given.push(sql`(m.expires_at IS NULL OR m.expires_at > now())`)
  return sql.join(given, sql` AND `)
}
