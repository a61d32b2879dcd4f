// JSON.stringify and PostgreSQL's parser recurse.
const maxDepth = 500

interface Problem {
  /** From the value that was asked about to where the problem is, put together on the way back. */
  readonly path: string
  readonly what: string
}

/**
 * What JSON (or PostgreSQL's jsonb, which has no NUL and no half of a surrogate pair) cannot hold in a value, and where:
 * ".pages[3].score is NaN". JSON.stringify would make null of it, or nothing. Undefined if all is well. Members that are
 * undefined are left out, as JSON.stringify does.
 */
export function jsonProblem(value: unknown): string | undefined {
  const problem = problemOf(value, [])
  return problem && `${problem.path} ${problem.what}`
}

function problemOf(value: unknown, above: object[]): Problem | undefined {
  switch (typeof value) {
    case 'string':
      return textProblem(value)
    case 'number':
      return Number.isFinite(value) ? undefined : here(`is ${String(value)}`)
    case 'boolean':
      return undefined
    case 'object':
      return value === null ? undefined : objectProblem(value, above)
    case 'bigint':
      return here(`is a BigInt, ${value}n`)
    case 'undefined':
      return here('is undefined')
    default:
      return here(`is a ${typeof value}`)
  }
}

function objectProblem(value: object, above: object[]): Problem | undefined {
  if (above.includes(value)) return here('is an object that contains itself')
  if (above.length >= maxDepth) return here(`is more than ${maxDepth} levels deep`)
  const { toJSON } = value as { toJSON?: unknown }
  if (typeof toJSON === 'function') {
    if (value instanceof Date && Number.isNaN(value.getTime())) return here('is an Invalid Date')
    const made: unknown = toJSON.call(value)
    return made === value ? undefined : problemOf(made, [...above, value])
  }
  if (value instanceof Map) return here('is a Map, of which JSON would keep nothing')
  if (value instanceof Set) return here('is a Set, of which JSON would keep nothing')
  above.push(value)
  const problem = Array.isArray(value) ? elementProblem(value, above) : memberProblem(value, above)
  above.pop()
  return problem
}

function elementProblem(array: readonly unknown[], above: object[]): Problem | undefined {
  for (let at = 0; at < array.length; at += 1) {
    const problem = problemOf(array[at], above)
    if (problem) return { ...problem, path: `[${at}]${problem.path}` }
  }
  return undefined
}

function memberProblem(object: object, above: object[]): Problem | undefined {
  for (const key of Object.keys(object)) {
    const badKey = textProblem(key)
    if (badKey) return here(`has a key, ${JSON.stringify(key)}, that ${badKey.what}`)
    const member = (object as Record<string, unknown>)[key]
    const problem = member === undefined ? undefined : problemOf(member, above)
    if (problem) return { ...problem, path: `${step(key)}${problem.path}` }
  }
  return undefined
}

function textProblem(text: string): Problem | undefined {
  if (text.includes('\0')) return here('has a NUL character')
  return isWellFormed(text) ? undefined : here('has half of a surrogate pair')
}

/** In Node from version 20, and not in the library of types for ES2023. */
const isWellFormed = (text: string): boolean =>
  (text as unknown as { isWellFormed(): boolean }).isWellFormed()

const here = (what: string): Problem => ({ path: '', what })

function step(key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}
