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

/** Refuses what is not an array of texts that PostgreSQL could store. */
export function checkTexts(
  values: unknown,
  name: string,
  { from = 0, to = Number.POSITIVE_INFINITY } = {},
): void {
  if (!Array.isArray(values)) {
    throw new InvalidInputError(
      `${name} must be an array of strings, got ${values === null ? 'null' : typeof values}`,
    )
  }
  // By position: forEach would pass over the holes of an array.
  for (let at = 0; at < values.length; at++) checkText(values[at], `${name}[${at}]`, { from, to })
}

/** A JSON object as text. What JSON cannot hold, or jsonb not (NUL, half of a surrogate pair), is refused by name. */
export function checkedJson(value: unknown, name: string): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const came = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
    throw new InvalidInputError(`${name} must be an object, got ${came}`)
  }
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch (cause) {
    throw new InvalidInputError(`${name} must be an object that JSON can hold, got: ${String(cause)}`, {
      cause,
    })
  }
  // A Date is an object, but a text as JSON.
  if (!json?.startsWith('{')) throw new InvalidInputError(`${name} must be an object, got ${json} as JSON`)
  const unstorable = /(?<!\\)(?:\\\\)*(\\u0000|\\ud[89a-f][0-9a-f]{2})/.exec(json)?.[1]
  if (unstorable !== undefined) {
    throw new InvalidInputError(
      `${name} must have no NUL character and only whole surrogate pairs in its texts, got ${unstorable}`,
    )
  }
  return json
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
