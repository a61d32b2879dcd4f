import { InvalidInputError } from '../errors.ts'

/** ISO 8601 as far as PostgreSQL reads it whatever its session's settings are; the SQL functions check the same. */
const isoTime =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)\s?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/

/**
 * A time that an option gave, as text that PostgreSQL reads alike in every session: a Date, or ISO 8601 from year 0001 to
 * 9999. It is UTC where no zone is said.
 *
 * @throws InvalidInputError that names the option.
 */
export function checkedTime(value: Date | string, name: string): string {
  const isDate = value instanceof Date
  const text = isDate && !Number.isNaN(value.getTime()) ? value.toISOString() : String(value)
  const found = isDate || typeof value === 'string' ? isoTime.exec(text) : null
  if (found === null) {
    throw new InvalidInputError(
      `${name} must be a Date or an ISO 8601 time such as 2026-01-31T09:00:00Z, got ${text.slice(0, 60)}`,
    )
  }
  const [, day, time = '00:00', zone = 'Z'] = found
  return `${day}T${time}${zone}`
}
