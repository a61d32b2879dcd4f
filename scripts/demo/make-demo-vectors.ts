/**
 * Makes scripts/demo/vectors.bin again, after a text of the demo has changed:
 *
 *   npx tsx scripts/demo/make-demo-vectors.ts path/to/embedder.mjs
 *
 * The embedder is a module that exports `embed(text: string): Float32Array` of length 384. The committed vectors come
 * from static word vectors: skip-gram vectors of English words, averaged over the words of a text with SIF weights
 * (a / (a + probability of the word), a = 0.001; Arora, Liang and Ma 2017), less their common component, at length 1.
 * They know words, not sentences: enough to show a search by meaning, offline. A service brings its own embedder, and
 * every vector in a database must come from the same one.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { embeddedTexts, vectorsFile } from './fixture.ts'
import { packVectors } from './vectors.ts'

const path = process.argv[2]
if (path === undefined) {
  console.error('usage: npx tsx scripts/demo/make-demo-vectors.ts path/to/embedder.mjs')
  process.exit(2)
}
const { embed } = (await import(pathToFileURL(resolve(path)).href)) as { embed(text: string): Float32Array }
const texts = embeddedTexts()
const bytes = packVectors(texts, texts.map(embed))
writeFileSync(vectorsFile, bytes)
console.log(`${texts.length} vectors, ${bytes.length} bytes`)
