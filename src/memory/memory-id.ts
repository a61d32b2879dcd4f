import { createHash } from 'node:crypto'
import { checkText } from './check.ts'

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

function bytesOf(value: string, name: string): Buffer {
  checkText(value, name)
  return Buffer.from(value, 'utf8')
}
