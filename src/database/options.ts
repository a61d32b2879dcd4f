import { InvalidInputError } from '../errors.ts'

/**
 * The keys that an options object may have. Written as `{ namespace: true, … } satisfies OptionKeys<MyOptions>`, so that
 * the compiler refuses a list that misses a key of the type or has one too many.
 */
export type OptionKeys<Options> = Readonly<Record<keyof Options & string, true>>

/**
 * Refuses an options object with a key that nobody knows, or with one that is present and undefined. Either is a slip
 * that would widen what is asked for: `{ namespace: user.namespace }` of a user without one would read as no namespace,
 * which is every tenant's, and so would `{ namespcae: 'ana' }`.
 *
 * @param name what the caller calls the object, for messages: `options`, `filter`, `items[3]`.
 * @throws InvalidInputError that names the key.
 * @example
 * const keys = { id: true, namespace: true } satisfies OptionKeys<GetMemoryOptions>
 * checkOptions(options, keys)
 */
export function checkOptions(
  options: unknown,
  keys: Readonly<Record<string, true>>,
  name = 'options',
): asserts options is object {
  checkKeys(options, keys, name)
  const prefix = name === 'options' ? '' : `${name}.`
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) {
      throw new InvalidInputError(
        `${prefix}${key} must not be undefined: give it a value, or leave the key out`,
      )
    }
  }
}

/**
 * Refuses an options object with a key that nobody knows: for options that only describe what is new, in which undefined
 * means the default and widens nothing.
 *
 * @throws InvalidInputError that names the key.
 */
export function checkKeys(
  options: unknown,
  keys: Readonly<Record<string, true>>,
  name = 'options',
): asserts options is object {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const came = options === null ? 'null' : Array.isArray(options) ? 'an array' : typeof options
    throw new InvalidInputError(`${name} must be an object, got ${came}`)
  }
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(keys, key)) {
      throw new InvalidInputError(
        `${name} has the key "${key.slice(0, 60)}", expected only: ${Object.keys(keys).join(', ')}`,
      )
    }
  }
}
