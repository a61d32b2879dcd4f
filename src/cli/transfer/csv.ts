import { UsageError } from '../exit.ts'
import { withoutMark } from './json-lines.ts'

/** A record of a CSV file: its cells, or why it has none. */
export interface CsvRecord {
  /** Where it begins: the number of its line, from 1. */
  readonly line: number
  readonly cells: readonly string[]
  readonly problem?: string
  /** The bytes of the input that had been read when this record was. */
  readonly end: number
}

const longestCell = 16 * 1024 * 1024

/**
 * The records of a CSV stream (RFC 4180), some at a time, the header among them: cells between commas, in quotes where
 * they have commas, quotes (doubled) or line breaks. Records that are empty lines are passed over.
 *
 * @throws UsageError for input that is not UTF-8, and for a quote that is never closed.
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export async function* csvRecords(
  input: AsyncIterable<Buffer>,
  delimiter = ',',
): AsyncGenerator<CsvRecord[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const parser = new CsvParser(delimiter)
  let read = 0
  for await (const given of input) {
    const chunk = read === 0 ? withoutMark(given) : given
    read += given.length
    const records = parser.take(
      decoded((bytes) => decoder.decode(bytes, { stream: true }), chunk),
      read,
    )
    if (records.length > 0) yield records
  }
  const last = parser.end(read)
  if (last.length > 0) yield last
}

function decoded(decode: (bytes: Buffer) => string, chunk: Buffer): string {
  try {
    return decode(chunk)
  } catch (cause) {
    throw new UsageError('the input is not UTF-8: convert it, for example iconv -f WINDOWS-1252 -t UTF-8', {
      cause,
    })
  }
}

/** What comes next: a cell begins, goes on without or with quotes, or its closing quote (or half of a doubled one) was read. */
type State = 'start' | 'plain' | 'quoted' | 'quote'

class CsvParser {
  readonly #delimiter: string
  #state: State = 'start'
  #cell = ''
  #cells: string[] = []
  #line = 1
  #startLine = 1
  #wasReturn = false

  constructor(delimiter: string) {
    this.#delimiter = delimiter
  }

  take(text: string, read: number): CsvRecord[] {
    const records: CsvRecord[] = []
    const endRecord = () => {
      this.#cells.push(this.#cell)
      const isEmpty = this.#cells.length === 1 && this.#cell === ''
      if (!isEmpty) records.push({ line: this.#startLine, cells: this.#cells, end: read })
      this.#cell = ''
      this.#cells = []
      this.#state = 'start'
      this.#startLine = this.#line
    }
    let at = 0
    while (at < text.length) {
      const character = text[at] as string
      if (this.#wasReturn) {
        this.#wasReturn = false
        if (character === '\n') {
          at += 1
          continue
        }
      }
      if (this.#state === 'quoted') {
        const close = text.indexOf('"', at)
        const piece = text.slice(at, close < 0 ? text.length : close)
        for (let from = piece.indexOf('\n'); from >= 0; from = piece.indexOf('\n', from + 1)) this.#line += 1
        this.#add(piece)
        at += piece.length
        if (close >= 0) {
          this.#state = 'quote'
          at += 1
        }
        continue
      }
      at += 1
      if (character === '"' && this.#state === 'quote') {
        this.#add('"')
        this.#state = 'quoted'
      } else if (character === '"' && this.#state === 'start') {
        this.#state = 'quoted'
      } else if (character === this.#delimiter) {
        this.#cells.push(this.#cell)
        this.#cell = ''
        this.#state = 'start'
      } else if (character === '\n' || character === '\r') {
        this.#wasReturn = character === '\r'
        this.#line += 1
        endRecord()
      } else {
        this.#add(character)
        if (this.#state === 'start') this.#state = 'plain'
      }
    }
    return records
  }

  end(read: number): CsvRecord[] {
    if (this.#state === 'quoted') {
      throw new UsageError(`the quote that begins in line ${this.#startLine} is never closed`)
    }
    const isAtStart = this.#state === 'start' && this.#cells.length === 0
    return isAtStart ? [] : this.take('\n', read)
  }

  #add(piece: string): void {
    this.#cell += piece
    if (this.#cell.length > longestCell) {
      throw new UsageError(
        `a cell in line ${this.#startLine} has more than ${longestCell} characters: is a quote not closed?`,
      )
    }
  }
}
