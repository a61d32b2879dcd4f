import { isUtf8 } from 'node:buffer'
import { UsageError } from '../exit.ts'

/** One record of an input as it was written. */
export interface RawRecord {
  /** Where it begins: the number of its line, from 1. */
  readonly line: number
  readonly text: string
  /** Why it cannot be read, in words. */
  readonly problem?: string
  /** The bytes of the input that have been read when this record ends. */
  readonly end: number
}

/** A longer line is no memory: the largest text, metadata and vector together are well below. */
const longestLine = 16 * 1024 * 1024
const newline = 0x0a

/**
 * The lines of a stream, some at a time; empty ones are passed over. Lines end at a line feed and nowhere else (JSON
 * strings may have U+2028 in them), a carriage return before it is dropped, and so is a byte order mark.
 */
export async function* jsonLines(input: AsyncIterable<Buffer>): AsyncGenerator<RawRecord[]> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let isTooLong = false
  let line = 1
  let read = 0

  const record = (bytes: Buffer): RawRecord | undefined => {
    const number = line
    line += 1
    if (isTooLong || bytes.length > longestLine) {
      isTooLong = false
      return { line: number, text: '', end: read, problem: `the line has more than ${longestLine} bytes` }
    }
    if (!isUtf8(bytes)) {
      return { line: number, text: bytes.toString('utf8'), end: read, problem: 'the line is not UTF-8' }
    }
    const text = bytes.toString('utf8').trim()
    return text === '' ? undefined : { line: number, text, end: read }
  }

  for await (const given of input) {
    const chunk = read === 0 ? withoutMark(given) : given
    read += given.length - chunk.length
    const records: RawRecord[] = []
    let from = 0
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const piece = chunk.subarray(from, at)
      read += at + 1 - from
      from = at + 1
      const whole = record(pending.length > 0 ? Buffer.concat([...pending, piece]) : piece)
      pending = []
      pendingBytes = 0
      if (whole !== undefined) records.push(whole)
    }
    const rest = chunk.subarray(from)
    read += rest.length
    pendingBytes += rest.length
    if (pendingBytes > longestLine) {
      isTooLong = true
      pending = []
    } else if (rest.length > 0) {
      pending.push(rest)
    }
    if (records.length > 0) yield records
  }
  const last = pendingBytes > 0 ? record(Buffer.concat(pending)) : undefined
  if (last !== undefined) yield [last]
}

/** @throws UsageError for UTF-16, which Windows programs write. */
export function withoutMark(chunk: Buffer): Buffer {
  if ((chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff)) {
    throw new UsageError('the input is UTF-16: convert it, for example iconv -f UTF-16 -t UTF-8')
  }
  return chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? chunk.subarray(3) : chunk
}
