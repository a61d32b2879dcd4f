type Scalar = string | number | boolean | null
/** What metadata can hold. */
type JsonValue = Scalar | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** Operators on a value of one type. A row without the value meets `ne`, `notIn` and `exists: false` alone. */
export interface Comparison<Value> {
  readonly eq?: Value
  readonly ne?: Value
  readonly gt?: Value
  readonly gte?: Value
  readonly lt?: Value
  readonly lte?: Value
  /** An empty list matches nothing. */
  readonly in?: readonly Value[]
  readonly notIn?: readonly Value[]
  /** Whether there is a value. */
  readonly exists?: boolean
}

/** Operators on a path into the metadata. Order is asked among numbers, or among strings; never across. */
export interface MetadataComparison extends Comparison<JsonValue> {
  readonly gt?: number | string
  readonly gte?: number | string
  readonly lt?: number | string
  readonly lte?: number | string
  /** The value there contains this one: an array its element, an object its part. */
  readonly contains?: JsonValue
}

export interface TagsComparison {
  readonly any?: readonly string[]
  readonly all?: readonly string[]
  readonly none?: readonly string[]
}

interface WhereFields {
  readonly and?: readonly Where[]
  readonly or?: readonly Where[]
  readonly not?: Where
  readonly id?: Comparison<string>
  readonly namespace?: Comparison<string>
  readonly speakerId?: Comparison<string>
  readonly documentId?: Comparison<string>
  readonly supersededBy?: Comparison<string>
  readonly importance?: Comparison<number>
  readonly createdAt?: Comparison<Date | string>
  readonly updatedAt?: Comparison<Date | string>
  readonly expiresAt?: Comparison<Date | string>
  readonly validFrom?: Comparison<Date | string>
  readonly validTo?: Comparison<Date | string>
  readonly tags?: TagsComparison
}

/** A path into the metadata as a list of keys, for keys that have a dot in them. */
export type WherePath = MetadataComparison & { readonly path: readonly string[] }

/**
 * Conditions on memories. All entries of an object must hold; at most 1,000 conditions, nested at most 32 deep. What is
 * not known, a field or an operator, is refused.
 *
 * @example
 * const where: Where = {
 *   'metadata.trip.year': { gte: 2024 },
 *   tags: { none: ['draft'] },
 *   or: [{ importance: { gt: 0.7 } }, { speakerId: { in: ['ana', 'bob'] } }],
 * }
 */
export type Where = (WhereFields & { readonly [path: `metadata.${string}`]: MetadataComparison }) | WherePath

const databaseNames = new Map([
  ['speakerId', 'speaker_id'],
  ['documentId', 'document_id'],
  ['supersededBy', 'superseded_by'],
  ['createdAt', 'created_at'],
  ['updatedAt', 'updated_at'],
  ['expiresAt', 'expires_at'],
  ['validFrom', 'valid_from'],
  ['validTo', 'valid_to'],
])

/** A `where` with the names that SQL has for fields and operators. What is not one passes through, and is refused there. */
export function whereForDatabase(where: unknown): unknown {
  if (!isObject(where)) return where
  if ('path' in where) return operatorsForDatabase(where)
  return Object.fromEntries(
    Object.entries(where).map(([key, value]) => {
      if (key === 'not') return [key, whereForDatabase(value)]
      if ((key === 'and' || key === 'or') && Array.isArray(value)) return [key, value.map(whereForDatabase)]
      return [databaseNames.get(key) ?? key, operatorsForDatabase(value)]
    }),
  )
}

function operatorsForDatabase(operators: unknown): unknown {
  if (!isObject(operators)) return operators
  return Object.fromEntries(
    Object.entries(operators).map(([key, value]) => [key === 'notIn' ? 'not_in' : key, value]),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
