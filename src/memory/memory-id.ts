import { createHash } from 'node:crypto'
import { checkText } from '../database/check.ts'

/**
 * The default id of a memory, the same as the SQL function `memory_id`: the SHA-256, in hex, of the netstrings
 * (`bytes:value,`) of namespace, text and the distinct tags sorted by their UTF-8 bytes.
 *
 * @throws InvalidInputError for a text that UTF-8 cannot hold.
 * @example
 * memoryId('default', 'Ana prefers window seats', ['travel'])
 */
export function memoryId(namespace: string, text: string, tags: readonly string[] = []): string {
  const hash = createHash('sha256')
  const netstring = (bytes: Buffer) => hash.update(`${bytes.length}:`).update(bytes).update(',')
  netstring(bytesOf(namespace, 'namespace'))
  netstring(bytesOf(text, 'text'))
  const distinct = [...new Set(tags)].map((tag) => bytesOf(tag, 'tags'))
  for (const tag of distinct.sort(Buffer.compare)) netstring(tag)
  return hash.digest('hex')
}

/**
 * The id of a memory that has a name of its own in its namespace (`key`): `bytes:namespace/key`. Ids are unique over all
 * namespaces, names only within theirs, so two tenants may each have a `profile`.
 *
 * @throws InvalidInputError for an empty name, or one that no id can hold.
 * @example
 * await remember(db, { namespace: 'ana', key: 'profile', text: 'Ana lives in Oslo' })
 * const profile = await getMemory(db, { id: namespacedId('ana', 'profile') })
 */
export function namespacedId(namespace: string, key: string): string {
  checkText(key, 'key', { from: 1 })
  const id = `${bytesOf(namespace, 'namespace').length}:${namespace}/${key}`
  checkText(id, 'namespace and key', { to: 1024 })
  return id
}

/** The text by which two memories are one, as the SQL function `canonical_text` has it. */
export function canonicalText(text: string): string {
  return text.replace(/^[ \t\n\r\f\v]+|[ \t\n\r\f\v]+$/g, '').normalize('NFC')
}

function bytesOf(value: string, name: string): Buffer {
  checkText(value, name)
  return Buffer.from(value, 'utf8')
}
