import type { JobError, Json } from '../schema/jobs.ts'

// What real code throws is stored as well as it can be, and never more than this.
const maxMessage = 8192
const maxText = 16_384
const maxTotal = 65_536
const maxMembers = 50
const maxDepth = 4
const described = ['code', 'message', 'name', 'stack', 'cause', 'errors']

/**
 * Whatever was thrown as a job keeps it: its own `code` if it has one (a number becomes text), else its name; its message;
 * and in `detail` the stack, the cause, the errors of an AggregateError and what else it has. Never throws: what JSON
 * cannot hold (a NUL, half a surrogate pair, a BigInt, a circle) is replaced, and what is long is cut.
 */
export function toJobError(thrown: unknown): JobError {
  try {
    return describe(thrown)
  } catch {
    // A proxy or a getter that throws.
    return { code: 'error', message: 'something was thrown that cannot be read' }
  }
}

/** What has been looked at so far. */
interface Reading {
  /** The objects that contain the one at hand. */
  readonly above: Set<object>
  /** How many characters may still be kept: an object may be small and yet mention itself a million times. */
  left: number
}

function describe(thrown: unknown): JobError {
  const reading: Reading = { above: new Set(), left: maxTotal }
  if (thrown === null || typeof thrown !== 'object') {
    return { code: 'error', message: text(thrown, maxMessage, reading) }
  }
  const code = codeOf(thrown, reading)
  const message = read(thrown, 'message')
  if (isErrorLike(thrown)) {
    const name = text(read(thrown, 'name'), 255, reading) || 'error'
    const kept = text(message, maxMessage, reading)
    const detail = errorDetail(thrown, 0, reading)
    return { code: code ?? name, message: kept, ...(Object.keys(detail).length > 0 && { detail }) }
  }
  if (typeof message !== 'string') {
    const detail = toJson(thrown, 0, reading)
    return { code: code ?? 'error', message: shortened(JSON.stringify(detail), 500), detail }
  }
  // A job's error as it is stored, or something like it.
  const { code: _, message: __, ...rest } = thrown as Record<string, unknown>
  const keys = Object.keys(rest)
  const detail = keys.length === 1 && keys[0] === 'detail' ? rest.detail : rest
  return {
    code: code ?? 'error',
    message: text(message, maxMessage, reading),
    ...(keys.length > 0 && detail !== undefined && { detail: toJson(detail, 0, reading) }),
  }
}

/** An Error, of this realm or another one (of `vm`, of a test runner). */
function isErrorLike(value: object): boolean {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

function codeOf(thrown: object, reading: Reading): string | undefined {
  const code = read(thrown, 'code')
  if (typeof code !== 'string' && typeof code !== 'number' && typeof code !== 'bigint') return undefined
  return text(code, 255, reading) || undefined
}

function errorDetail(error: object, depth: number, reading: Reading): { [key: string]: Json } {
  const detail: { [key: string]: Json } = {}
  reading.above.add(error)
  const stack = read(error, 'stack')
  if (typeof stack === 'string') detail.stack = text(stack, maxText, reading)
  const cause = read(error, 'cause')
  if (cause !== undefined) detail.cause = toJson(cause, depth + 1, reading)
  const errors = read(error, 'errors')
  if (Array.isArray(errors)) detail.errors = toJson(errors, depth + 1, reading)
  const others = Object.keys(error).filter((key) => !described.includes(key))
  Object.assign(detail, members(error, others, depth, reading))
  reading.above.delete(error)
  return detail
}

/** A value that JSON can hold and that says as much as it can of this one. */
function toJson(value: unknown, depth: number, reading: Reading): Json {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object') return text(value, maxText, reading)
  reading.left -= 16
  if (reading.above.has(value)) return '[circular]'
  if (depth > maxDepth || reading.left <= 0) return '[…]'
  if (isErrorLike(value)) {
    const code = codeOf(value, reading)
    return {
      name: text(read(value, 'name'), 255, reading),
      message: text(read(value, 'message'), maxMessage, reading),
      ...(code !== undefined && { code }),
      ...errorDetail(value, depth, reading),
    }
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  reading.above.add(value)
  const json = Array.isArray(value)
    ? elements(value, depth, reading)
    : members(value, Object.keys(value), depth, reading)
  reading.above.delete(value)
  return json
}

function elements(array: readonly unknown[], depth: number, reading: Reading): Json[] {
  const json: Json[] = []
  for (const element of array.slice(0, maxMembers)) {
    if (reading.left <= 0) break
    json.push(toJson(element, depth + 1, reading))
  }
  return json
}

function members(of: object, keys: string[], depth: number, reading: Reading): { [key: string]: Json } {
  const json: { [key: string]: Json } = {}
  for (const key of keys.slice(0, maxMembers)) {
    if (reading.left <= 0) break
    const value = read(of, key)
    if (value === undefined || typeof value === 'function') continue
    json[text(key, 255, reading)] = toJson(value, depth + 1, reading)
  }
  return json
}

function read(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key]
  } catch {
    return '[unreadable]'
  }
}

/** As text that PostgreSQL can hold. */
function text(value: unknown, most: number, reading: Reading): string {
  let string: string
  try {
    string = String(value)
  } catch {
    string = '[unreadable]'
  }
  const kept = shortened(string, Math.min(most, Math.max(reading.left, 0)))
  reading.left -= kept.length
  return kept.replace(/\0|\p{Surrogate}/gu, '\uFFFD')
}

function shortened(string: string, most: number): string {
  return string.length > most ? `${string.slice(0, most)}…` : string
}
