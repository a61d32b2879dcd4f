import { type SQL, sql } from 'drizzle-orm'
import { checkedJson } from '../../database/check.ts'
import { InvalidInputError } from '../../errors.ts'
import { memoryItems } from '../../schema/memory-items.ts'

// Conditions on an item's value, in SQL, with the meaning that InMemoryStore gives them: `$eq`, `$ne`, `$in` and `$nin`
// compare JSON values; `$gt` and the like compare numbers, and what is none (JavaScript's Number) never matches. Unlike
// there, objects and arrays are equal when their contents are, and an operator that does not exist is refused.

/** The condition that an item's value meets a filter; every key must hold. */
export function valueCondition(filter: Readonly<Record<string, unknown>>): SQL[] {
  return Object.entries(filter).flatMap(([key, expected]) => {
    const value = sql`(${memoryItems.metadata} -> 'value' -> ${key}::text)`
    return isOperators(expected, key)
      ? Object.entries(expected).map(([operator, operand]) => operators[operator as Operator](value, operand))
      : [equals(value, expected)]
  })
}

const operators = {
  $eq: equals,
  $ne: (value: SQL, operand: unknown) => sql`NOT ${equals(value, operand)}`,
  $gt: (value: SQL, operand: unknown) => sql`${numberIn(value)} > ${numberOf(operand)}`,
  $gte: (value: SQL, operand: unknown) => sql`${numberIn(value)} >= ${numberOf(operand)}`,
  $lt: (value: SQL, operand: unknown) => sql`${numberIn(value)} < ${numberOf(operand)}`,
  $lte: (value: SQL, operand: unknown) => sql`${numberIn(value)} <= ${numberOf(operand)}`,
  $in: isOneOf,
  $nin: (value: SQL, operand: unknown) => sql`NOT ${isOneOf(value, operand)}`,
} satisfies Record<string, (value: SQL, operand: unknown) => SQL>

type Operator = keyof typeof operators

function isOperators(expected: unknown, key: string): expected is Record<Operator, unknown> {
  if (typeof expected !== 'object' || expected === null || Array.isArray(expected)) return false
  const names = Object.keys(expected)
  const unknown = names.filter((name) => !Object.hasOwn(operators, name))
  if (unknown.length === 0) return true
  if (!names.some((name) => name.startsWith('$'))) return false
  throw new InvalidInputError(
    `the filter of "${key}" must use ${Object.keys(operators).join(', ')}, or none, got ${unknown.join(', ')}`,
  )
}

/** A key that is not there is `undefined`, which only undefined equals. */
function equals(value: SQL, operand: unknown): SQL {
  if (operand === undefined) return sql`(${value} IS NULL)`
  return sql`(${value} IS NOT DISTINCT FROM ${jsonText(operand)}::text::jsonb)`
}

function isOneOf(value: SQL, operand: unknown): SQL {
  if (!Array.isArray(operand) || operand.length === 0) return sql`false`
  return sql`(${sql.join(
    operand.map((item) => equals(value, item)),
    sql` OR `,
  )})`
}

function jsonText(value: unknown): string {
  // Wrapped, because the check is one of objects.
  return JSON.stringify(JSON.parse(checkedJson({ value }, 'filter')).value ?? null)
}

/** JavaScript's Number of a JSON value, as far as it is finite; null for what is no number. */
function numberIn(value: SQL): SQL {
  const text = sql`btrim(${value} #>> '{}', E' \\t\\n\\r')`
  return sql`CASE jsonb_typeof(${value})
    WHEN 'number' THEN (${value} #>> '{}')::float8
    WHEN 'boolean' THEN (${value} = 'true')::integer::float8
    WHEN 'null' THEN 0::float8
    WHEN 'string' THEN CASE
      WHEN ${text} = '' THEN 0::float8
      WHEN ${text} ~ '^[+-]?([0-9]{1,200}\\.?[0-9]{0,200}|\\.[0-9]{1,200})([eE][+-]?[0-9]{1,2})?$' THEN ${text}::float8
    END
  END`
}

/** The operand as a parameter; NaN is null, because nothing is greater or less than it. */
function numberOf(operand: unknown): SQL {
  const number = Number(operand)
  return sql`${Number.isNaN(number) ? null : String(number)}::text::float8`
}
