import { expectTypeOf, test } from 'vitest'
import type { schema } from '../../src/index.ts'

test('rows', () => {
  expectTypeOf<schema.MemoryItem['tags']>().toEqualTypeOf<string[]>()
})
