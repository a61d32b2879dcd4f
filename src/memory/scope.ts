import { checkOptions, type OptionKeys } from '../database/options.ts'
import { InvalidInputError } from '../errors.ts'
import { filterText, type ListFilter } from '../search/search-filter.ts'
import type { Where } from '../search/where.ts'

/** Whose memories: all that is given must hold, and something must be given. Expired and superseded ones count. */
export interface MemoryScope {
  readonly namespace?: string
  /** Namespaces as paths: this one, and those below it. */
  readonly namespaceUnder?: string
  readonly speakerId?: string
  readonly where?: Where
}

export const scopeKeys = {
  namespace: true,
  namespaceUnder: true,
  speakerId: true,
  where: true,
} satisfies OptionKeys<MemoryScope>

/** A scope as a filter. @throws InvalidInputError for one that is empty, misspelt or undefined somewhere. */
export function scopeFilter(scope: MemoryScope): ListFilter {
  checkOptions(scope, scopeKeys, 'scope')
  if (Object.keys(scope).length === 0) {
    throw new InvalidInputError(
      'scope must say whose memories: a namespace, namespaceUnder, speakerId or where',
    )
  }
  filterText(scope)
  return scope
}
