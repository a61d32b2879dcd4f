import { readFileSync } from 'node:fs'
import { unpackVectors } from './vectors.ts'

/** Whose memories these are. The demo touches no other namespace. */
export const demoNamespace = 'demo'

export interface DemoMemory {
  readonly id: string
  readonly namespace: string
  readonly text: string
  readonly tags: string[]
  readonly speakerId: string
  readonly metadata: Record<string, unknown>
  readonly importance: number
  readonly createdAt: Date
  readonly embedding: number[]
}

export interface DemoQuestion {
  readonly id: string
  readonly text: string
  /** The memories that answer it: finding one of them is enough. */
  readonly answers: readonly string[]
  /** Whether the demo prints what each search finds for it. */
  readonly isShown: boolean
  readonly embedding: number[]
}

export interface DemoFixture {
  readonly memories: DemoMemory[]
  readonly questions: DemoQuestion[]
}

/** A line of memories.jsonl: everything but the vector. */
interface MemoryLine extends Omit<DemoMemory, 'createdAt' | 'embedding' | 'metadata'> {
  readonly createdAt: string
  readonly metadata?: Record<string, unknown>
}

interface QuestionLine {
  readonly id: string
  readonly text: string
  readonly answers: string[]
  readonly shown?: boolean
}

/** Where the vectors of the fixture are: the memories' in the file's order, then the questions'. */
export const vectorsFile = new URL('vectors.bin', import.meta.url)

/** The texts that have a vector in `vectorsFile`, in its order. */
export function embeddedTexts(): string[] {
  return [...readLines<MemoryLine>('memories.jsonl'), ...readLines<QuestionLine>('questions.jsonl')].map(
    (line) => line.text,
  )
}

/** The demo's memories and questions with their vectors. */
export function readFixture(): DemoFixture {
  const memories = readLines<MemoryLine>('memories.jsonl')
  const questions = readLines<QuestionLine>('questions.jsonl')
  const vectors = unpackVectors(readFileSync(vectorsFile), embeddedTexts())
  const vectorOf = (row: number): number[] => vectors[row] ?? []
  return {
    memories: memories.map((line, row) => ({
      ...line,
      metadata: line.metadata ?? {},
      createdAt: new Date(line.createdAt),
      embedding: vectorOf(row),
    })),
    questions: questions.map(({ shown, ...line }, row) => ({
      ...line,
      isShown: shown === true,
      embedding: vectorOf(memories.length + row),
    })),
  }
}

function readLines<Line>(name: string): Line[] {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}
