import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvRecords } from '../../src/cli/transfer/csv.ts'
import { jsonLines } from '../../src/cli/transfer/json-lines.ts'

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0
  for (let at = 0; from < bytes.length; at++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[at % sizes.length] ?? 1)
    yield bytes.subarray(from, from + size)
    from += size
  }
}

async function all<T>(parts: AsyncIterable<T[]>): Promise<T[]> {
  const whole: T[] = []
  for await (const part of parts) whole.push(...part)
  return whole
}

const pieces = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 4 })

describe('CSV', () => {
  const cell = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 6 }),
    fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', ' ', 'é', '🙂'), maxLength: 8 }),
  )
  const table = fc
    .integer({ min: 2, max: 4 })
    .chain((columns) =>
      fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 6 }),
    )
  const written = (rows: string[][], end: string, isBare: boolean) =>
    rows
      .map((row) =>
        row
          .map((text) => (isBare && !/[",\r\n]/.test(text) ? text : `"${text.replaceAll('"', '""')}"`))
          .join(','),
      )
      .join(end)

  it('gives back every table, however it is quoted, ended and cut into pieces', () =>
    fc.assert(
      fc.asyncProperty(
        table,
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.boolean(),
        fc.boolean(),
        pieces,
        async (rows, end, isBare, isEnded, sizes) => {
          // A byte order mark at the very beginning is one, and no text.
          fc.pre(!rows[0]?.[0]?.startsWith('\ufeff'))
          const text = written(rows, end, isBare) + (isEnded ? end : '')
          const records = await all(csvRecords(inPieces(Buffer.from(text), sizes)))
          expect(records.map(({ cells }) => cells)).toEqual(rows)
        },
      ),
      { numRuns: 300 },
    ))

  it('says in which line a record begins', async () => {
    const text = 'a,b\n"1\n2",x\r\n\r\n3,y\n'
    const records = await all(csvRecords(inPieces(Buffer.from(text), [])))
    expect(records.map(({ line, cells }) => [line, ...cells])).toEqual([
      [1, 'a', 'b'],
      [2, '1\n2', 'x'],
      [5, '3', 'y'],
    ])
  })

  it('passes over a byte order mark, and refuses bytes that are not UTF-8', async () => {
    const marked = Buffer.from('\ufefftext,tags\n')
    expect((await all(csvRecords(inPieces(marked, []))))[0]?.cells).toEqual(['text', 'tags'])
    await expect(all(csvRecords(inPieces(Buffer.from([0x61, 0xe9, 0x0a]), [])))).rejects.toThrow(/not UTF-8/)
  })
})

describe('JSON lines', () => {
  const line = fc.string({
    unit: fc.constantFrom('a', '"', '\u2028', '\r', 'é', '🙂', '{'),
    minLength: 1,
    maxLength: 8,
  })

  it('are cut at line feeds alone, wherever the pieces end', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 6 }),
        pieces,
        fc.boolean(),
        async (lines, sizes, isEnded) => {
          const wanted = lines.map((one) => one.trim())
          const text = lines.join('\n') + (isEnded ? '\n' : '')
          const records = await all(jsonLines(inPieces(Buffer.from(text), sizes)))
          expect(records.map((record) => record.text)).toEqual(wanted.filter((one) => one !== ''))
          expect(records.map((record) => record.line)).toEqual(
            wanted.flatMap((one, at) => (one === '' ? [] : [at + 1])),
          )
        },
      ),
      { numRuns: 300 },
    ))

  it('that are too long or not UTF-8 are named, and the next ones are read', async () => {
    const long = Buffer.alloc(17 * 1024 * 1024, 'x')
    const input = Buffer.concat([long, Buffer.from('\n'), Buffer.from([0xff, 0x0a]), Buffer.from('ok')])
    const records = await all(jsonLines(inPieces(input, [1 << 20])))
    expect(records.map(({ line, problem }) => [line, problem])).toEqual([
      [1, expect.stringContaining('more than')],
      [2, 'the line is not UTF-8'],
      [3, undefined],
    ])
  })
})
