import { InvalidInputError } from '../errors.ts'

/** Limits of `memory_items`, in bytes of UTF-8. */
export const longestText = 65_536
export const longestName = 1024

/**
 * Refuses what PostgreSQL could not store as text.
 *
 * @throws InvalidInputError that names the argument.
 */
export function checkText(
  value: unknown,
  name: string,
  { from = 0, to = Number.POSITIVE_INFINITY } = {},
): void {
  if (typeof value !== 'string') {
    throw new InvalidInputError(`${name} must be a string, got ${value === null ? 'null' : typeof value}`)
  }
  if (value.includes('\0')) {
    throw new InvalidInputError(
      `${name} must not contain a NUL character, got one at position ${value.indexOf('\0')}`,
    )
  }
  if (!isWellFormed(value)) {
    throw new InvalidInputError(`${name} must be well-formed Unicode, got half of a surrogate pair`)
  }
  const bytes = Buffer.byteLength(value, 'utf8')
  if (bytes < from || bytes > to) {
    throw new InvalidInputError(`${name} must have from ${from} to ${to} bytes of UTF-8, got ${bytes}`)
  }
}

/** String.prototype.isWellFormed, which TypeScript's ES2023 does not list. */
function isWellFormed(value: string): boolean {
  return !/\p{Surrogate}/u.test(value)
}

/** A whole number in a range, or the default where none is given. */
export function checkedInteger(
  value: unknown,
  name: string,
  { from, to, otherwise }: { from: number; to: number; otherwise: number },
): number {
  if (value === undefined) return otherwise
  if (typeof value !== 'number' || !Number.isInteger(value) || value < from || value > to) {
    throw new InvalidInputError(`${name} must be a whole number from ${from} to ${to}, got ${String(value)}`)
  }
  return value
}

/** A Date, or ISO 8601 text, as ISO 8601. */
export function checkedTime(value: Date | string, name: string): string {
  const date = value instanceof Date ? value : new Date(value)
  if (Number.isNaN(date.getTime())) {
    throw new InvalidInputError(`${name} must be a Date or an ISO 8601 time, got ${String(value)}`)
  }
  return value instanceof Date ? value.toISOString() : value
}
