import {
  BaseStore,
  type GetOperation,
  type Item,
  type ListNamespacesOperation,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
} from '@langchain/langgraph-checkpoint'
import { and, arrayContains, asc, eq, inArray, notInArray, type SQL, sql } from 'drizzle-orm'
import type { Database } from '../../database/database.ts'
import { builtRows, queryRows, translatingErrors } from '../../database/rows.ts'
import { api, inSchemaOf } from '../../database/schema-name.ts'
import type { Embedder } from '../../embedding/embedder.ts'
import { type EmbedderError, InvalidInputError } from '../../errors.ts'
import { createMemory } from '../../memory/create-memory.ts'
import type { NewMemory } from '../../memory/new-memory.ts'
import { rememberMany } from '../../memory/remember-many.ts'
import { memoryItems } from '../../schema/memory-items.ts'
import type { HybridResult } from '../../search/hybrid-search.ts'
import { type RecallOptions, recall } from '../../search/recall.ts'
import { textArraySql } from '../../search/search-filter.ts'
import { valueCondition } from './filter.ts'
import {
  type ItemRow,
  isIndexed,
  itemColumns,
  itemOf,
  metadataOf,
  searchableText,
  withoutWords,
} from './items.ts'
import { itemId, labelsOf, selectedNamespaces, storedNamespace, tagOf, tagsOf } from './namespaces.ts'

export interface DatabaseStoreOptions {
  /**
   * Makes the vectors of values and queries; without one, items are found by their words.
   * While the model is being changed, the old one and the new one.
   */
  readonly embedder?: Embedder | readonly Embedder[]
  /** What of a value is searched, where `put` does not say: `['$']`, everything, by default. */
  readonly fields?: readonly string[]
  /** Called when the embedder fails. Items are stored all the same, and found by their words. */
  readonly onEmbedError?: (error: EmbedderError) => void
}

/** How many results a ranked search gives; what lies beyond comes in the order of creation. */
const mostRanked = 1000

/**
 * LangGraph's store, in the database: items are memories, searched by words and, with an embedder, by meaning.
 *
 * Namespaces are exact: `['users', 'ana']` never gives `['users', 'anabel']`. Without a query a search gives items in the
 * order of their creation; with one, those that match come first, best first with their score, and then the rest, so
 * that pages join. A batch reads before it writes, and writes all or nothing.
 *
 * @example
 * const store = new DatabaseStore(db, { embedder })
 * const graph = builder.compile({ store })
 */
export class DatabaseStore extends BaseStore {
  readonly #db: Database
  readonly #options: DatabaseStoreOptions
  readonly #table: typeof memoryItems

  constructor(db: Database, options: DatabaseStoreOptions = {}) {
    super()
    this.#db = db
    this.#options = options
    this.#table = inSchemaOf(db, memoryItems)
  }

  async batch<Operations extends Operation[]>(operations: Operations): Promise<OperationResults<Operations>> {
    const results: unknown[] = []
    const puts: PutOperation[] = []
    for (const operation of operations) {
      if ('value' in operation) {
        puts.push(operation)
        results.push(null)
      } else if ('namespacePrefix' in operation) results.push(await this.#search(operation))
      else if ('key' in operation) results.push(await this.#get(operation))
      else results.push(await this.#listNamespaces(operation))
    }
    await this.#put(puts)
    return results as OperationResults<Operations>
  }

  async #get({ namespace, key }: GetOperation): Promise<Item | null> {
    // Nothing can be stored there, and asking is no mistake.
    if (namespace.length === 0) return null
    const rows = await this.#rows([eq(memoryItems.id, itemId(namespace, key))], 1, 0)
    return rows[0] === undefined ? null : itemOf(rows[0])
  }

  async #search(operation: SearchOperation): Promise<SearchItem[]> {
    const { namespacePrefix, filter, limit = 10, offset = 0, query } = operation
    checkWhole(limit, 'limit')
    checkWhole(offset, 'offset')
    const tag = tagOf(namespacePrefix)
    const conditions = [arrayContains(memoryItems.tags, textArraySql([tag], 'namespacePrefix'))]
    const filtering = valueCondition(filter ?? {})
    if (query === undefined || query === '') {
      return (await this.#rows([...conditions, ...filtering], limit, offset)).map(itemOf)
    }
    const ids = filtering.length === 0 ? undefined : await this.#ids([...conditions, ...filtering])
    const ranked = await this.#ranked(query, tag, ids, Math.min(offset + limit, mostRanked))
    const page = ranked.slice(offset, offset + limit)
    if (page.length < limit) {
      const others =
        ranked.length === 0
          ? []
          : [
              notInArray(
                memoryItems.id,
                ranked.map(({ row }) => row.id),
              ),
            ]
      const rest = await this.#rows(
        [...conditions, ...filtering, ...others],
        limit - page.length,
        Math.max(0, offset - ranked.length),
      )
      page.push(...rest.map((row) => ({ row, score: undefined })))
    }
    return page.map(({ row, score }) => ({ ...itemOf(row), ...(score !== undefined && { score }) }))
  }

  /** What matches the query, best first. */
  async #ranked(query: string, tag: string, ids: readonly string[] | undefined, k: number) {
    if (k === 0) return []
    const found = await this.#recall(query, { tags: [tag], k, ...(ids && { filter: { ids } }) })
    const conditions = [inArray(memoryItems.id, [...found.map(({ id }) => id)])]
    const rows = found.length === 0 ? [] : await this.#rows(conditions, k, 0)
    const byId = new Map(rows.map((row) => [row.id, row]))
    return found.flatMap(({ id, combinedScore: score }) => {
      const row = byId.get(id)
      return row !== undefined && isIndexed(row) ? [{ row, score: score as number | undefined }] : []
    })
  }

  async #recall(question: string, options: Omit<RecallOptions, 'question'>): Promise<HybridResult[]> {
    const { embedder } = this.#options
    if (embedder === undefined) return recall(this.#db, { question, ...options })
    const { memories, embedError } = await createMemory(this.#db, embedder).recall(question, options)
    if (embedError !== undefined) this.#options.onEmbedError?.(embedError)
    return memories
  }

  async #listNamespaces(operation: ListNamespacesOperation): Promise<string[][]> {
    const prefix = operation.matchConditions?.find(({ matchType }) => matchType === 'prefix')?.path ?? []
    const wildcard = prefix.indexOf('*')
    const tag = tagOf(wildcard < 0 ? prefix : prefix.slice(0, wildcard))
    const rows = await builtRows(() =>
      this.#db
        .selectDistinct({ namespace: memoryItems.namespace })
        .from(this.#table)
        .where(arrayContains(memoryItems.tags, textArraySql([tag], 'prefix'))),
    )
    return selectedNamespaces(
      rows.map(({ namespace }) => labelsOf(namespace)),
      operation,
    )
  }

  async #put(operations: readonly PutOperation[]): Promise<void> {
    // The last write of an item in a batch is the one that counts.
    const last = new Map(
      operations.map((operation) => [itemId(operation.namespace, operation.key), operation]),
    )
    const gone = [...last].flatMap(([id, { value }]) => (value === null ? [id] : []))
    const written = [...last].flatMap(([id, { namespace, key, value, index }]) => {
      if (value === null) return []
      if (namespace.length === 0)
        throw new InvalidInputError('namespace must have at least one label, got none')
      const paths = index ?? this.#options.fields ?? ['$']
      const text = paths === false ? withoutWords : searchableText(value, paths)
      const metadata = metadataOf(key, value, text !== withoutWords)
      return [{ id, namespace: storedNamespace(namespace), tags: tagsOf(namespace), text, metadata }]
    })
    if (last.size === 0) return
    await translatingErrors(() =>
      this.#db.transaction(async (transaction) => {
        const times = await newTimes(
          transaction,
          written.map(({ id }) => id),
        )
        const items = written.map((item, at) => ({
          ...item,
          ...(times[at] !== undefined && { createdAt: times[at] }),
        }))
        // What has no words gets no vector either.
        await rememberMany(transaction, { items: items.filter(({ text }) => text === withoutWords) })
        await this.#remember(
          transaction,
          items.filter(({ text }) => text !== withoutWords),
        )
        // Last, so that no row is locked while the embedder works.
        if (gone.length > 0) await transaction.delete(this.#table).where(inArray(memoryItems.id, gone))
      }),
    )
  }

  async #remember(db: Database, items: readonly NewMemory[]): Promise<void> {
    const { embedder } = this.#options
    if (embedder === undefined) {
      await rememberMany(db, { items })
      return
    }
    const results = await createMemory(db, embedder).rememberMany(items)
    const failure = results.find(({ embedError }) => embedError !== undefined)?.embedError
    if (failure !== undefined) this.#options.onEmbedError?.(failure)
  }

  #rows(conditions: readonly SQL[], limit: number, offset: number): Promise<ItemRow[]> {
    return builtRows(() =>
      this.#db
        .select(itemColumns)
        .from(this.#table)
        .where(and(...conditions))
        .orderBy(asc(memoryItems.createdAt), asc(memoryItems.id))
        .limit(limit)
        .offset(offset),
    )
  }

  async #ids(conditions: readonly SQL[]): Promise<string[]> {
    const rows = await builtRows(() =>
      this.#db
        .select({ id: memoryItems.id })
        .from(this.#table)
        .where(and(...conditions)),
    )
    return rows.map(({ id }) => id)
  }
}

/** For each id that is new, a time of creation of its own, in their order: one statement's rows would have one time. */
async function newTimes(db: Database, ids: readonly string[]): Promise<(string | undefined)[]> {
  const rows = await queryRows(
    db,
    sql`
      SELECT to_char((now_ + given.number * interval '1 microsecond') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, m.id IS NOT NULL AS exists
      FROM clock_timestamp() AS now_, unnest(${textArraySql(ids, 'ids')}) WITH ORDINALITY AS given (id, number)
      LEFT JOIN ${api(db)}memory_items AS m ON m.id = given.id
      ORDER BY given.number
    `,
  )
  return rows.map(({ at, exists }) => (exists === true ? undefined : String(at)))
}

function checkWhole(value: number, name: string): void {
  if (Number.isInteger(value) && value >= 0) return
  throw new InvalidInputError(`${name} must be a whole number from 0, got ${String(value)}`)
}
