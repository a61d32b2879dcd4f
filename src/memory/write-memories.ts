import { sql } from 'drizzle-orm'
import type { Database } from '../database/database.ts'
import { queryRows, toNumber } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { ConflictError } from '../errors.ts'

/** A memory as the statement below reads it, by the names of its columns; what is undefined is not given. */
export interface ItemRow {
  /** Which of the caller's memories it is. */
  readonly place: number
  readonly id: string
  /** The id is the caller's own: the row of that id is brought up to date, whatever it says. */
  readonly is_own: boolean
  readonly same_text: string
  readonly namespace: string
  readonly text: string
  readonly embedding?: string | undefined
  readonly [column: string]: unknown
}

export interface WrittenMemory {
  readonly place: number
  readonly id: string
  readonly created: boolean
}

/**
 * Writes memories, each at most once in `rows`, in one statement: the rows that say the same are found by the hash of
 * their content. Where an edit or a supersession left the id of a text to another memory, the next free one is taken:
 * the id with `-2` and so on behind it.
 *
 * @throws ConflictError if an id belongs to another namespace.
 */
export async function writeMemories(db: Database, rows: readonly ItemRow[]): Promise<WrittenMemory[]> {
  const written = await queryRows(
    db,
    sql`
      WITH items AS MATERIALIZED (
        SELECT item.*, ${api(db)}content_hash(item.namespace, item.text) AS content_hash
        FROM json_to_recordset(${JSON.stringify(rows.map((row, turn) => ({ ...row, turn })))}::text::json) AS item (
          turn integer, place integer, id text, is_own boolean, same_text text, namespace text, text text, tags text[], speaker_id text,
          metadata jsonb, embedding text, importance real, expires_at timestamptz, created_at timestamptz,
          valid_from timestamptz, valid_to timestamptz
        )
      ),
      known AS MATERIALIZED (
        SELECT items.place, same.id
        FROM items CROSS JOIN LATERAL (
          SELECT m.id
          FROM ${api(db)}memory_items AS m
          WHERE NOT items.is_own AND m.content_hash = items.content_hash AND m.namespace = items.namespace
            AND ${api(db)}canonical_text(m.text) = ${api(db)}canonical_text(items.text)
            AND m.superseded_at IS NULL AND m.document_id IS NULL
            AND (items.same_text <> 'distinct' OR m.tags @> COALESCE(items.tags, '{}') AND m.tags <@ COALESCE(items.tags, '{}'))
          ORDER BY m.id = items.id DESC, m.created_at, m.id
          LIMIT 1
        ) AS same
      ),
      aimed AS MATERIALIZED (
        SELECT items.*, COALESCE(
          known.id,
          CASE WHEN NOT items.is_own AND EXISTS (SELECT FROM ${api(db)}memory_items AS m WHERE m.id = items.id) THEN (
            SELECT items.id || '-' || number
            FROM generate_series(2, 10000) AS number
            WHERE NOT EXISTS (SELECT FROM ${api(db)}memory_items AS m WHERE m.id = items.id || '-' || number)
            LIMIT 1
          ) END,
          items.id
        ) AS target
        FROM items LEFT JOIN known ON known.place = items.place
      ),
      written AS (
        INSERT INTO ${api(db)}memory_items AS m
          (id, namespace, text, tags, speaker_id, metadata, embedding, importance, expires_at, created_at, valid_from, valid_to)
        SELECT target, namespace, text, COALESCE(tags, '{}'), speaker_id, COALESCE(metadata, '{}'), ${api(db)}parse_embedding(embedding),
          COALESCE(importance, 0.5), expires_at, COALESCE(created_at, now()), valid_from, valid_to
        FROM aimed
        ORDER BY turn
        ON CONFLICT (id) DO UPDATE SET
          (text, embedding, next_embedding, tags, speaker_id, metadata, importance, expires_at, created_at, valid_from, valid_to) = (
            SELECT CASE WHEN given.is_own THEN given.text ELSE m.text END,
              CASE WHEN given.is_own AND m.text <> given.text THEN excluded.embedding
                ELSE COALESCE(excluded.embedding, m.embedding) END,
              CASE WHEN given.is_own AND m.text <> given.text THEN excluded.next_embedding
                ELSE COALESCE(excluded.next_embedding, m.next_embedding) END,
              CASE given.same_text WHEN 'merge' THEN m.tags || ARRAY(
                  SELECT DISTINCT tag FROM unnest(given.tags) AS tag WHERE tag <> ALL (m.tags) ORDER BY tag
                ) ELSE COALESCE(given.tags, m.tags) END,
              COALESCE(given.speaker_id, m.speaker_id), COALESCE(given.metadata, m.metadata),
              COALESCE(given.importance, m.importance), COALESCE(given.expires_at, CASE WHEN m.expires_at > now() THEN m.expires_at END),
              COALESCE(given.created_at, m.created_at), COALESCE(given.valid_from, m.valid_from),
              COALESCE(given.valid_to, m.valid_to)
            FROM aimed AS given
            WHERE given.target = excluded.id
          )
        WHERE m.namespace = excluded.namespace
          AND (SELECT given.is_own OR ${api(db)}canonical_text(given.text) = ${api(db)}canonical_text(m.text)
            FROM aimed AS given WHERE given.target = excluded.id)
        RETURNING m.id, m.xmax = 0 AS created, COALESCE(m.embedding, m.next_embedding) IS NOT NULL AS has_embedding
      )
      SELECT aimed.place, written.id, written.created,
        aimed.embedding IS NOT NULL AND NOT written.has_embedding AS lost_embedding
      FROM written JOIN aimed ON aimed.target = written.id
    `,
  )
  const results = new Map(written.map((row) => [toNumber(row.place), row]))
  const foreign = rows.find((row) => !results.has(row.place))
  if (foreign !== undefined) {
    throw new ConflictError(
      foreign.is_own
        ? `the id "${foreign.id}" belongs to a memory of another namespace than "${foreign.namespace}": ids are unique over all namespaces, a key is unique in its own`
        : `the memory "${foreign.id}" was changed while it was remembered: remember it again`,
    )
  }
  // A new text with the very vector of the old one: the trigger took it for a forgotten vector.
  const lost = rows.filter((row) => results.get(row.place)?.lost_embedding === true)
  if (lost.length > 0) await writeEmbeddings(db, lost, results)
  return rows.map(({ place }) => {
    const row = results.get(place)
    return { place, id: String(row?.id), created: row?.created === true }
  })
}

async function writeEmbeddings(
  db: Database,
  rows: readonly ItemRow[],
  results: ReadonlyMap<number, Record<string, unknown>>,
): Promise<void> {
  const given = rows.map(({ place, embedding }) => ({ id: String(results.get(place)?.id), embedding }))
  await queryRows(
    db,
    sql`
      UPDATE ${api(db)}memory_items AS m SET embedding = ${api(db)}parse_embedding(given.embedding)
      FROM json_to_recordset(${JSON.stringify(given)}::text::json) AS given (id text, embedding text)
      WHERE m.id = given.id
    `,
  )
}
