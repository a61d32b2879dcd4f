import { createHash } from 'node:crypto'
import type { ListNamespacesOperation } from '@langchain/langgraph-checkpoint'
import { checkText, longestName } from '../../database/check.ts'
import { InvalidInputError } from '../../errors.ts'

// A namespace of labels is stored as one text, the labels joined by `/`. What separates is escaped inside a label, so that
// no two lists of labels are one text. Each item has as tags the texts of its namespace and of all that this lies in:
// a search below a prefix is a search with the prefix's tag, exact and by an index.

const tagPrefix = 'langgraph:'

/** The namespace as `memory_items` has it. */
export function storedNamespace(labels: readonly string[]): string {
  const text = labels.map((label) => label.replace(/[%/]/g, encodeURIComponent)).join('/')
  checkText(text, 'namespace', { from: 1, to: longestName - tagPrefix.length })
  return text
}

export function labelsOf(stored: string): string[] {
  return stored.split('/').map((label) => label.replace(/%2F|%25/g, decodeURIComponent))
}

/** The tag of everything at or below a prefix; of the empty one, of every item. */
export function tagOf(prefix: readonly string[]): string {
  return tagPrefix + (prefix.length === 0 ? '' : storedNamespace(prefix))
}

export function tagsOf(labels: readonly string[]): string[] {
  return Array.from({ length: labels.length + 1 }, (_, length) => tagOf(labels.slice(0, length)))
}

/** Not the form of a hash alone, which under row-level security is reserved for ids made of a memory's text. */
export function itemId(labels: readonly string[], key: string): string {
  checkText(key, 'key')
  return `langgraph:${createHash('sha256')
    .update(JSON.stringify([labels, key]))
    .digest('hex')}`
}

/** Which of the namespaces are asked for, as `InMemoryStore` orders and cuts them. */
export function selectedNamespaces(
  all: readonly string[][],
  { matchConditions = [], maxDepth, limit, offset = 0 }: ListNamespacesOperation,
): string[][] {
  const matching = all.filter((labels) => matchConditions.every((condition) => matches(labels, condition)))
  const cut = matching.map((labels) => (maxDepth === undefined ? labels : labels.slice(0, maxDepth)))
  const distinct = [...new Map(cut.map((labels) => [JSON.stringify(labels), labels])).values()]
  const sorted = distinct.sort((one, other) => one.join(':').localeCompare(other.join(':')))
  return sorted.slice(offset, limit === undefined ? undefined : offset + limit)
}

type MatchCondition = NonNullable<ListNamespacesOperation['matchConditions']>[number]

function matches(labels: readonly string[], { matchType, path }: MatchCondition): boolean {
  if (matchType !== 'prefix' && matchType !== 'suffix') {
    throw new InvalidInputError(`matchType must be "prefix" or "suffix", got "${String(matchType)}"`)
  }
  if (path.length > labels.length) return false
  const start = matchType === 'prefix' ? 0 : labels.length - path.length
  return path.every((label, at) => label === '*' || label === labels[start + at])
}
