import { posix } from 'node:path'
import { checkText } from '../../database/check.ts'
import { InvalidInputError } from '../../errors.ts'

/** The directory that all files lie in, as the model names it. */
export const root = '/memories'

// Resolved as if the root lay two levels deep in a file system, so that a path which climbs out of it shows.
const base = '/base/of/memories'

/**
 * The path in its one form, from the root: `/memories/a/../b/` is `/memories/b`.
 *
 * @throws InvalidInputError for a path outside the root.
 */
export function checkedPath(path: string): string {
  checkText(path, 'path')
  if (!path.startsWith(root)) throw new InvalidInputError(`Path must start with ${root}, got: ${path}`)
  const relative = path.slice(root.length).replace(/^\//, '')
  const resolved = posix.resolve(posix.join(base, relative))
  if (resolved !== base && !resolved.startsWith(`${base}/`)) {
    throw new InvalidInputError(`Path ${path} would escape ${root} directory`)
  }
  return root + resolved.slice(base.length)
}

/** The directory that a path lies in. */
export function parentOf(path: string): string {
  return posix.dirname(path)
}

/** The directories that a path lies in, the root first. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = []
  for (let at = parentOf(path); at.length >= root.length; at = parentOf(at)) ancestors.unshift(at)
  return ancestors
}

export function isBelow(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`)
}
