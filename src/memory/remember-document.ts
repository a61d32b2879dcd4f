import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { checkedInteger, checkText, longestName } from '../database/check.ts'
import type { Database } from '../database/database.ts'
import { checkOptions, type OptionKeys } from '../database/options.ts'
import { queryRows, translatingErrors } from '../database/rows.ts'
import { api } from '../database/schema-name.ts'
import { type Embedder, embedEach } from '../embedding/embedder.ts'
import { ConfigurationError, EmbedderError, InvalidInputError } from '../errors.ts'
import { namespacedId } from './memory-id.ts'
import { type NewMemory, newMemoryKeys } from './new-memory.ts'
import { rememberMany } from './remember-many.ts'
import { splitDocument } from './split-document.ts'

/** A text of any length, kept in parts. What is said of it (tags, metadata and so on) is said of every part. */
export interface RememberDocumentOptions extends Omit<NewMemory, 'id' | 'key' | 'sameText' | 'embedding'> {
  /** The document's name, unique in its namespace. */
  readonly documentId: string
  /** Up to 16 MiB. */
  readonly text: string
  /** Embeds the parts that are new; without one they are found by keyword, and pending. */
  readonly embedder?: Embedder
  /**
   * The longest part, 100 to 16,000 characters. By default what the embedder says that it can read (three characters a
   * token), or 1,500.
   */
  readonly maxCharacters?: number
  /** Ends the embedding; the parts are kept all the same. */
  readonly signal?: AbortSignal
}

export interface DocumentPart {
  readonly id: string
  readonly text: string
}

export interface RememberDocumentResult {
  /** In their order. */
  readonly parts: DocumentPart[]
  /** Parts that are new, were there already, and were in the document before and are gone. */
  readonly added: number
  readonly kept: number
  readonly removed: number
  /** Whether every new part has its vector; if not, why. `embedPending` makes up for it. */
  readonly embedded: boolean
  readonly embedError?: EmbedderError
}

const { id: _, key: __, sameText: ___, embedding: ____, ...memoryKeys } = newMemoryKeys
const optionKeys = {
  ...memoryKeys,
  documentId: true,
  embedder: true,
  maxCharacters: true,
  signal: true,
} satisfies OptionKeys<RememberDocumentOptions>

const mostCharacters = 16_000
const longestDocument = 16 * 1024 * 1024

/**
 * Keeps a text that is too long for one memory, or for the model that embeds it: in parts, split at paragraphs and
 * sentences. Remembered again with changes, the parts that changed are replaced, and the others stay as they are, with
 * their ids and vectors.
 *
 * The parts are memories like others: searches find them, `recallDocuments` finds the best of each document. Two writers
 * of the same document wait for one another.
 *
 * @throws InvalidInputError for what cannot be stored, and a document without a word; ConfigurationError, with nothing
 *   written, if the embedder cannot work as it is set up.
 * @example
 * const { parts, added, kept } = await rememberDocument(db, { documentId: 'handbook', text, embedder })
 */
export async function rememberDocument(
  db: Database,
  options: RememberDocumentOptions,
): Promise<RememberDocumentResult> {
  checkOptions(options, optionKeys)
  const { documentId, text, embedder, maxCharacters, signal, ...memory } = options
  const { namespace = 'default' } = memory
  checkText(documentId, 'documentId', { from: 1, to: 500 })
  checkText(namespace, 'namespace', { from: 1, to: longestName })
  checkText(text, 'text', { from: 1, to: longestDocument })
  const longest = checkedInteger(maxCharacters, 'maxCharacters', {
    from: 100,
    to: mostCharacters,
    otherwise: readableBy(embedder),
  })
  const parts = partsOf(namespace, documentId, splitDocument(text, longest))
  if (parts.length === 0)
    throw new InvalidInputError('text must have more than white space, got nothing else')

  const known = new Set(await partIds(db, namespace, documentId))
  const missing = parts.filter(({ id }) => !known.has(id))
  const vectors = await vectorsOf(embedder, missing, signal)

  const counts = await translatingErrors(() =>
    db.transaction(async (transaction) => {
      await transaction.execute(
        sql`SELECT pg_advisory_xact_lock(hashtextextended(${`opa document ${namespacedId(namespace, documentId)}`}::text, 0))`,
      )
      const before = new Set(await partIds(transaction, namespace, documentId))
      const places = parts.map(({ id }, place) => ({ id, place }))
      // Those that went, by a writer that came in between, were not embedded: they are pending.
      const added = parts.filter(({ id }) => !before.has(id))
      await removeOthers(transaction, namespace, documentId, places)
      // What is said of all parts may have changed; the texts of those that are there have not.
      const isToldMore = Object.keys(memory).some((name) => name !== 'namespace')
      await rememberMany(transaction, {
        ...(embedder === undefined ? {} : { model: embedder.model }),
        items: (isToldMore ? parts : added).map(({ id, text: part }) => {
          const vector = vectors.get(id)
          return {
            ...memory,
            id,
            text: part,
            ...(vector instanceof Float32Array ? { embedding: vector } : {}),
          }
        }),
      })
      await placeParts(transaction, documentId, places)
      const kept = parts.length - added.length
      return { added: added.length, kept, removed: before.size - kept }
    }),
  )
  const embedError = [...vectors.values()].find((vector) => vector instanceof EmbedderError)
  return {
    parts,
    ...counts,
    embedded: embedder !== undefined && embedError === undefined,
    ...(embedError === undefined ? {} : { embedError }),
  }
}

/** What an embedder reads of a text, in characters: three to a token is on the safe side in most languages. */
function readableBy(embedder: Embedder | undefined): number {
  const { POSITIVE_INFINITY: unlimited } = Number
  const { maxCharacters = unlimited, maxTokens = unlimited }: Partial<Embedder> = embedder ?? {}
  const said = Math.min(maxCharacters, 3 * maxTokens)
  return Number.isFinite(said) ? Math.min(mostCharacters, Math.max(100, Math.floor(said))) : 1500
}

/** The same text is the same part, wherever it stands; said twice, the second has a number. */
function partsOf(namespace: string, documentId: string, texts: readonly string[]): DocumentPart[] {
  const seen = new Map<string, number>()
  return texts.map((text) => {
    const hash = createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 24)
    const times = (seen.get(hash) ?? 0) + 1
    seen.set(hash, times)
    return { id: namespacedId(namespace, `${documentId}#${hash}${times > 1 ? `-${times}` : ''}`), text }
  })
}

async function partIds(db: Database, namespace: string, documentId: string): Promise<string[]> {
  const rows = await queryRows(
    db,
    sql`
      SELECT id FROM ${api(db)}memory_items
      WHERE document_id = ${documentId}::text AND namespace = ${namespace}::text
    `,
  )
  return rows.map((row) => String(row.id))
}

async function vectorsOf(
  embedder: Embedder | undefined,
  parts: readonly DocumentPart[],
  signal: AbortSignal | undefined,
): Promise<Map<string, Float32Array | EmbedderError>> {
  if (embedder === undefined) return new Map()
  const texts = parts.map((part) => part.text)
  const vectors = await embedEach(embedder, texts, signal === undefined ? {} : { signal })
  for (const vector of vectors) {
    if (vector instanceof EmbedderError && vector.cause instanceof ConfigurationError) throw vector.cause
  }
  return new Map(parts.map(({ id }, at) => [id, vectors[at] as Float32Array | EmbedderError]))
}

type Places = readonly { readonly id: string; readonly place: number }[]

async function removeOthers(db: Database, namespace: string, documentId: string, places: Places) {
  await queryRows(
    db,
    sql`
      DELETE FROM ${api(db)}memory_items AS m
      WHERE m.document_id = ${documentId}::text AND m.namespace = ${namespace}::text AND NOT EXISTS (
        SELECT FROM json_to_recordset(${JSON.stringify(places)}::text::json) AS part (id text) WHERE part.id = m.id
      )
    `,
  )
}

async function placeParts(db: Database, documentId: string, places: Places) {
  await queryRows(
    db,
    sql`
      UPDATE ${api(db)}memory_items AS m SET document_id = ${documentId}::text, document_place = part.place
      FROM json_to_recordset(${JSON.stringify(places)}::text::json) AS part (id text, place integer)
      WHERE m.id = part.id
        AND (m.document_id IS DISTINCT FROM ${documentId}::text OR m.document_place IS DISTINCT FROM part.place)
    `,
  )
}

export interface ForgetDocumentOptions {
  readonly documentId: string
  /** 'default' by default. */
  readonly namespace?: string
}

/**
 * Deletes a document: all of its parts.
 *
 * @returns how many parts it had.
 * @example
 * await forgetDocument(db, { documentId: 'handbook' })
 */
export async function forgetDocument(db: Database, options: ForgetDocumentOptions): Promise<number> {
  checkOptions(options, { documentId: true, namespace: true } satisfies OptionKeys<ForgetDocumentOptions>)
  const { documentId, namespace = 'default' } = options
  checkText(documentId, 'documentId')
  checkText(namespace, 'namespace')
  const rows = await queryRows(
    db,
    sql`
      DELETE FROM ${api(db)}memory_items
      WHERE document_id = ${documentId}::text AND namespace = ${namespace}::text RETURNING id
    `,
  )
  return rows.length
}
