import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { demoNamespace, embeddedTexts, readFixture } from '../../scripts/demo/fixture.ts'
import { runDemo } from '../../scripts/demo/run-demo.ts'
import { comparisonLines, rankOfAnswer, scoreboardLines } from '../../scripts/demo/searches.ts'
import { dimensions, packVectors, unpackVectors } from '../../scripts/demo/vectors.ts'
import { tableLines } from '../../src/cli/table.ts'
import { displayWidth, shortened, styled, type Terminal, terminalOf } from '../../src/cli/terminal.ts'

const { memories, questions } = readFixture()

function cosine(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let product = 0
  let squares = 0
  let otherSquares = 0
  for (let at = 0; at < one.length; at++) {
    const [a = 0, b = 0] = [one[at], other[at]]
    product += a * b
    squares += a * a
    otherSquares += b * b
  }
  return product / Math.sqrt(squares * otherSquares)
}

describe('the fixture', () => {
  it('has at least 150 memories and 20 questions, ids unique', () => {
    expect(memories.length).toBeGreaterThanOrEqual(150)
    expect(questions).toHaveLength(20)
    const ids = [...memories, ...questions].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(memories.map(({ text }) => text)).size).toBe(memories.length)
  })

  it('answers each question by one to three memories of the demo namespace', () => {
    const own = new Set(memories.filter(({ namespace }) => namespace === demoNamespace).map(({ id }) => id))
    for (const { id, answers } of questions) {
      expect(answers.length, id).toBeGreaterThanOrEqual(1)
      expect(answers.length, id).toBeLessThanOrEqual(3)
      expect(
        answers.filter((answer) => !own.has(answer)),
        id,
      ).toEqual([])
    }
    expect(questions.filter(({ isShown }) => isShown)).toHaveLength(5)
  })

  it('keeps to itself: ids and namespaces start with demo', () => {
    expect(memories.filter(({ id }) => !id.startsWith('demo:'))).toEqual([])
    expect(new Set(memories.map(({ namespace }) => namespace))).toEqual(new Set(['demo', 'demo-guest']))
  })

  it('is within the limits of short, dated memories', () => {
    for (const { id, text, tags, importance, createdAt } of memories) {
      expect(Buffer.byteLength(text), id).toBeGreaterThan(10)
      expect(Buffer.byteLength(text), id).toBeLessThan(400)
      expect(tags.length, id).toBeGreaterThan(0)
      expect(importance, id).toBeGreaterThanOrEqual(0)
      expect(importance, id).toBeLessThanOrEqual(1)
      expect(createdAt.getTime(), id).toBeGreaterThanOrEqual(Date.UTC(2025, 0))
      expect(createdAt.getTime(), id).toBeLessThan(Date.UTC(2027, 0))
    }
  })

  it('points from a superseded memory to one that is there', () => {
    const ids = new Set(memories.map(({ id }) => id))
    const successors = memories.flatMap(({ metadata }) => metadata.supersededBy ?? [])
    expect(successors.length).toBeGreaterThan(0)
    expect(successors.filter((id) => !ids.has(String(id)))).toEqual([])
  })

  it('has a vector of 384 components and length 1 for every text', () => {
    expect(embeddedTexts()).toEqual([...memories, ...questions].map(({ text }) => text))
    for (const { id, embedding } of [...memories, ...questions]) {
      expect(embedding, id).toHaveLength(dimensions)
      expect(Math.hypot(...embedding), id).toBeCloseTo(1, 9)
    }
  })

  it('has vectors in which like texts are near', () => {
    const vectorOf = (id: string) => memories.find((memory) => memory.id === id)?.embedding ?? []
    const review = vectorOf('demo:design-review-first')
    const alike = cosine(review, vectorOf('demo:design-review-moved-again'))
    expect(alike).toBeGreaterThan(cosine(review, vectorOf('demo:cat-diet')) + 0.2)
  })
})

describe('packed vectors', () => {
  const texts = ['one', 'two', 'three']
  const vectors = texts.map((_, row) =>
    Float32Array.from({ length: dimensions }, (_, at) => Math.sin((row + 1) * (at + 1)) / 20),
  )

  it('come back pointing the same way, with length 1', () => {
    const back = unpackVectors(packVectors(texts, vectors), texts)
    back.forEach((vector, row) => {
      expect(cosine(vector, vectors[row] ?? [])).toBeGreaterThan(0.9999)
      expect(Math.hypot(...vector)).toBeCloseTo(1, 9)
    })
  })

  it('are read from any place in a larger buffer', () => {
    const packed = packVectors(texts, vectors)
    const larger = new Uint8Array(packed.length + 7)
    larger.set(packed, 5)
    const view = larger.subarray(5, 5 + packed.length)
    expect(unpackVectors(view, texts)).toEqual(unpackVectors(packed, texts))
  })

  it('are refused for a text that changed, came or went', () => {
    const packed = packVectors(texts, vectors)
    for (const others of [
      ['one', 'two', 'four'],
      ['one', 'two'],
      [...texts, 'four'],
      ['two', 'one', 'three'],
    ]) {
      expect(() => unpackVectors(packed, others)).toThrow(/make-demo-vectors/)
    }
    expect(() => unpackVectors(packed.subarray(0, -1), texts)).toThrow(RangeError)
  })

  it('are refused without a direction or of other dimensions', () => {
    expect(() => packVectors(['one'], [new Float32Array(dimensions)])).toThrow(/not all zero, for "one"/)
    expect(() => packVectors(['one'], [new Float32Array(3).fill(1)])).toThrow(/expected 384 components/)
    expect(() => packVectors(['one'], [new Float32Array(dimensions).fill(Number.NaN)])).toThrow(RangeError)
    expect(() => packVectors(['one'], [])).toThrow(/got 0 for 1/)
  })
})

const plain = { columns: 60, hasColour: false, isInteractive: false, write: () => {} } satisfies Terminal

describe('the terminal', () => {
  it('has colour on a terminal only, and not where NO_COLOR is set', () => {
    const write = () => true
    expect(terminalOf({ write, isTTY: true, columns: 80 }, {})).toMatchObject({
      columns: 80,
      hasColour: true,
    })
    expect(terminalOf({ write, isTTY: true }, { NO_COLOR: '1' }).hasColour).toBe(false)
    expect(terminalOf({ write, isTTY: true }, { NO_COLOR: '' }).hasColour).toBe(true)
    expect(terminalOf({ write, isTTY: true }, { TERM: 'dumb' })).toMatchObject({ isInteractive: false })
    expect(terminalOf({ write }, {})).toMatchObject({
      columns: Number.POSITIVE_INFINITY,
      hasColour: false,
      isInteractive: false,
    })
    expect(terminalOf({ write, isTTY: true, columns: 5 }, {}).columns).toBe(20)
    expect(styled(plain, 'green', 'x')).toBe('x')
    expect(styled({ ...plain, hasColour: true }, 'green', 'x')).toBe('\u001b[32mx\u001b[0m')
  })

  it.each([
    ['plain', 5],
    ['Škoda', 5],
    ['S\u030Ckoda', 5],
    ['田辺 雪', 7],
    ['❄️', 2],
    ['👩‍💻', 2],
    ['ليلى', 4],
    ['', 0],
  ])('counts the columns of %s', (text, columns) => {
    expect(displayWidth(text)).toBe(columns)
  })

  it('shortens to whole characters', () => {
    expect(shortened('12345', 5)).toBe('12345')
    expect(shortened('123456', 5)).toBe('1234…')
    expect(shortened('田辺田辺', 5)).toBe('田辺…')
    expect(shortened('ab 👩‍💻 cd', 5)).toBe('ab…')
  })

  it('draws tables whose columns line up and whose last column takes the rest', () => {
    const lines = tableLines(
      plain,
      ['a', 'long title', 'text'],
      [{ cells: ['雪', '1', 'x'.repeat(100)] }, { cells: ['y', '22', 'short'], style: 'green' }],
      { indent: '  ' },
    )
    expect(lines).toEqual([
      '  a   long title  text',
      `  雪  1           ${'x'.repeat(41)}…`,
      '  y   22          short',
    ])
    expect(lines.map(displayWidth).every((columns) => columns <= 60)).toBe(true)
  })
})

describe('comparing searches', () => {
  const question = { id: 'q', text: 'Who?', answers: ['b', 'c'], isShown: true, embedding: [] }
  const finding = (id: string, score: number) => ({ id, text: `text of ${id}`, score })
  const findings = {
    keyword: [finding('a', 3), finding('x', 2), finding('y', 1.5), finding('b', 1)],
    vector: [finding('c', 0.9)],
    hybrid: [finding('c', 0.8), finding('a', 0.7)],
  }

  it('ranks the best answer', () => {
    expect(rankOfAnswer(findings.keyword, question.answers)).toBe(4)
    expect(rankOfAnswer(findings.vector, question.answers)).toBe(1)
    expect(rankOfAnswer([], question.answers)).toBeUndefined()
  })

  it('shows what any search has at the top, and marks the answers', () => {
    expect(comparisonLines(plain, question, findings)).toEqual([
      'Who?',
      '     keyword   vector    hybrid    memory',
      '  ✓   –         1  0.90   1  0.80  text of c',
      '      1  3.00   –         2  0.70  text of a',
      '      2  2.00   –         –        text of x',
      '      3  1.50   –         –        text of y',
    ])
  })

  it('counts what each search answers', () => {
    expect(scoreboardLines(plain, [{ question, findings }])).toEqual([
      '  keyword  vector  hybrid  question',
      '     4        1       1    Who?',
      '     0        1       1    of 1 answered in the top 3',
    ])
  })
})

describe('the demo', () => {
  const folder = mkdtempSync(join(tmpdir(), 'opa-db-demo-'))
  const location = { kind: 'embedded', dataDir: join(folder, 'data') } as const
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  async function outputOf(question?: string, terminal: Partial<Terminal> = {}): Promise<string> {
    let output = ''
    const write = (text: string) => {
      output += text
    }
    await runDemo({
      location,
      ...(question !== undefined && { question }),
      terminal: { ...plain, columns: 100, write, ...terminal },
    })
    return output
  }

  let output: string
  beforeAll(async () => {
    output = await outputOf()
  }, 120_000)

  it('remembers, searches, settles jobs and says what is next, in 100 columns', () => {
    expect(output).toContain(`${memories.length} memories remembered, ${memories.length} of them new`)
    for (const { text } of questions) expect(output).toContain(text)
    expect(output).toMatch(/\d+ +\d+ +\d+ +of 20 answered in the top 3/)
    expect(output).toMatch(/worker-1, too late, with its old lease \d+: stale_lease/)
    expect(output).toMatch(/completed by worker-2, result \{.*"memories":\d+/)
    expect(output).toContain('1 retried (worker-1), 2 completed (worker-2)')
    expect(output).toContain('Mara says no: cancelled')
    expect(output).toContain('npm run db:studio')
    expect(output.split('\n').filter((line) => displayWidth(line) > 100)).toEqual([])
    expect(output).not.toContain('\u001b')
  })

  it('answers what it should at the least: most questions by one of the searches', () => {
    const totals = /(\d+) +(\d+) +(\d+) +of 20 answered/.exec(output)?.slice(1).map(Number) ?? []
    for (const total of totals) expect(total).toBeGreaterThanOrEqual(8)
  })

  it('can be repeated, and asks a question of the user by keyword', async () => {
    const again = await outputOf('Where is the espresso machine?')
    expect(again).toContain('up to date')
    expect(again).toContain(`${memories.length} memories remembered, 0 of them new`)
    expect(again).toContain('descaled every two months')
    expect(again).toContain('no embedder is configured')
    expect(again).not.toContain('The life of')
    expect(again.split('\n').filter((line) => displayWidth(line) > 100)).toEqual([])
  }, 60_000)

  it('never finds what is in another namespace', async () => {
    const guest = await outputOf('Does Ola drive a rusty Volvo?')
    expect(guest).not.toContain('rusty Volvo from 1994')
  }, 60_000)

  it('says so when nothing has a word of the question', async () => {
    expect(await outputOf('1234567890 ???')).toContain('no memory of the demo has a word')
  }, 60_000)

  it('shows all three searches for a question that it has a vector for, with progress and colour', async () => {
    const known = questions[0]?.text ?? ''
    const coloured = await outputOf(known, { hasColour: true, isInteractive: true })
    expect(coloured).toMatch(/keyword +vector +hybrid/)
    expect(coloured).toContain('█')
    expect(coloured).toContain(`\u001b[1m${known}\u001b[0m`)
  }, 60_000)
})
