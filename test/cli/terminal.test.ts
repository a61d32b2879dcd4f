import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { embedderOf } from '../../src/cli/embedder-settings.ts'
import { age, clock, count, duration, shortId, size } from '../../src/cli/format.ts'
import { Output } from '../../src/cli/output.ts'
import { Progress, progressLine } from '../../src/cli/progress.ts'
import { tableLines } from '../../src/cli/table.ts'
import {
  displayWidth,
  markEnd,
  markStart,
  onOneLine,
  printable,
  type Terminal,
} from '../../src/cli/terminal.ts'

const plain: Terminal = { columns: 60, hasColour: false, isInteractive: false, write: () => {} }

describe('stored text on a terminal', () => {
  it('obeys nothing that is in it', () => {
    expect(printable('a\u001b]0;title\u0007b\u009b31m\u007f')).toBe('a␛]0;title␇b\ufffd31m␡')
    expect(onOneLine('  a\n\tb\u2028c \u0000')).toBe('a b c ␀')
    expect(printable('kept\n\tas it is')).toBe('kept\n\tas it is')
  })
})

describe('tables', () => {
  const rows = [
    { cells: ['c05e8c72', '12', `Ana prefers ${markStart}window${markEnd} seats on night trains`] },
  ]
  const columns = ['id', { title: 'score', align: 'right' } as const, 'memory']

  it('align numbers to the right and shorten the last column', () => {
    expect(tableLines({ ...plain, columns: 45 }, columns, rows)).toEqual([
      'id        score  memory',
      'c05e8c72     12  Ana prefers *window* seats…',
    ])
  })

  it('leave everything whole where nobody looks', () => {
    const lines = tableLines({ ...plain, columns: Number.POSITIVE_INFINITY }, columns, rows)
    expect(lines[1]).toBe('c05e8c72     12  Ana prefers *window* seats on night trains')
  })

  it.each([20, 30, 40])('keep within %d columns: the last column goes below', (width) => {
    const lines = tableLines({ ...plain, columns: width }, columns, rows)
    expect(lines[0]).toBe('c05e8c72     12')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
  })

  it('mark by colour where there is colour', () => {
    const lines = tableLines(
      { ...plain, columns: 100, hasColour: true },
      ['memory'],
      [{ cells: [`${markStart}a${markEnd}`] }],
    )
    expect(lines[1]).toBe('\u001b[1;33ma\u001b[0m')
  })
})

describe('numbers for people', () => {
  it('are as exact as one reads them', () => {
    expect([0.25, 3.21, 42, 250, 7500, 300_000].map(duration)).toEqual([
      '250 ms',
      '3.2 s',
      '42 s',
      '4 min',
      '2 h 05 min',
      '3 days',
    ])
    expect([0, 42, 3723].map(clock)).toEqual(['0:00', '0:42', '1:02:03'])
    expect([999, 12_345, 1_500_000].map(size)).toEqual(['999 B', '12.3 kB', '1.5 MB'])
    expect(count(1234567)).toBe('1,234,567')
    expect(age(new Date(0), 5_400_000)).toBe('2 h')
    expect(shortId('a'.repeat(64))).toBe('aaaaaaaa')
    expect(shortId('profile:ana')).toBe('profile:ana')
  })
})

/** A stream that is a terminal as far as it says, and keeps what is written. */
function fakeTerminal(isTTY: boolean): {
  stream: PassThrough & { isTTY: boolean; columns: number }
  text: () => string
} {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 60 })
  let text = ''
  stream.on('data', (chunk) => {
    text += chunk
  })
  return { stream, text: () => text }
}

describe('progress', () => {
  it('has a bar, the rate and the time left', () => {
    expect(progressLine({ done: 52_000, share: 0.52, seconds: 10, what: 'records' })).toBe(
      `${'█'.repeat(12)}${'░'.repeat(12)}  52 %  52,000 records  5,200/s  0:09 left`,
    )
    expect(progressLine({ done: 5, seconds: 2, what: 'jobs' })).toBe('5 jobs  2.5/s')
  })

  it.each([
    [true, {}, / 50 % {2}10 records/],
    [false, {}, /^$/],
    [true, { quiet: true } as const, /^$/],
  ])('on a terminal (%s) with %j', async (isTTY, options, expected) => {
    const { stream, text } = fakeTerminal(isTTY)
    const err = new Output(stream, {})
    const progress = new Progress({ err } as ConstructorParameters<typeof Progress>[0], options, 'records')
    progress.update(10, 0.5)
    progress.end()
    await new Promise((resolve) => setImmediate(resolve))
    expect(text()).toMatch(expected)
  })
})

describe('the embedder of the environment', () => {
  it('is none unless something is set', () => {
    expect(embedderOf({})).toBeUndefined()
    expect(embedderOf({ OPENAI_API_KEY: 'not ours to use unasked' })).toBeUndefined()
    expect(embedderOf({ OPA_EMBEDDER: 'none', OPA_EMBEDDER_MODEL: 'x' })).toBeUndefined()
  })

  it('is an endpoint or a model in this process', () => {
    const url = 'http://localhost:11434/v1'
    expect(embedderOf({ OPA_EMBEDDER_URL: url, OPA_EMBEDDER_MODEL: 'all-minilm' })).toMatchObject({
      model: 'all-minilm',
    })
    expect(embedderOf({ OPA_EMBEDDER: 'transformers', OPA_EMBEDDER_DIMENSIONS: '512' })).toMatchObject({
      dimensions: 512,
    })
  })

  it.each([
    [{ OPA_EMBEDDER: 'magic' }, /OPA_EMBEDDER must be openai, transformers, none, got "magic"/],
    [{ OPA_EMBEDDER: 'openai' }, /OPA_EMBEDDER_MODEL/],
    [{ OPA_EMBEDDER_DIMENSIONS: 'many' }, /OPA_EMBEDDER_DIMENSIONS must be a whole number/],
  ])('refuses %j', (environment, message) => {
    expect(() => embedderOf(environment)).toThrow(message)
  })
})
