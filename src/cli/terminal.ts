/** What text is printed to, and what that can show. */
export interface Terminal {
  write(text: string): void
  /** Columns that a line may take; infinite where nobody looks (a file, a pipe). */
  readonly columns: number
  readonly hasColour: boolean
  /** Whether a line can be written over: true on a terminal, false in a file or a pipe. */
  readonly isInteractive: boolean
}

/** A stream that may be a terminal: `process.stdout`. */
export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

const narrowest = 20

/** The terminal behind a stream: colour only on a terminal, and never where NO_COLOR is set (no-color.org). */
export function terminalOf(
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isTerminal = stream.isTTY === true
  const isInteractive = isTerminal && environment.TERM !== 'dumb'
  return {
    write: (text) => void stream.write(text),
    columns: isTerminal ? Math.max(narrowest, stream.columns ?? 80) : Number.POSITIVE_INFINITY,
    hasColour: isInteractive && !environment.NO_COLOR,
    isInteractive,
  }
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const
export type Style = keyof typeof codes

/** The text in a style, or as it is where there is no colour. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  return terminal.hasColour ? `\u001b[${codes[style]}m${text}\u001b[0m` : text
}

/**
 * Stored text for a terminal: control characters become their pictures, so that an escape sequence in a memory is seen
 * and not obeyed.
 */
export function printable(text: string): string {
  return text.replace(controls, (character) => {
    const code = character.charCodeAt(0)
    return code >= 0x80 ? '\ufffd' : String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code)
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g

/** As `printable`, on one line. */
export function onOneLine(text: string): string {
  return printable(text.replace(/[\s\u2028\u2029]+/gu, ' ').trim())
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const wide =
  /\p{Emoji_Presentation}|\uFE0F|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303F\uFF01-\uFF60]/u

/** Columns that a text takes on a terminal: two for emoji and for Chinese, Japanese and Korean characters. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

function graphemeWidth(segment: string): number {
  if (segment === markStart || segment === markEnd) return 0
  return wide.test(segment) ? 2 : 1
}

/** The text in at most `columns` columns; what is left out shows as an ellipsis. */
export function shortened(text: string, columns: number): string {
  // Nothing is wider than two columns a character: most text need not be taken apart.
  if (text.length * 2 <= columns || displayWidth(text) <= columns) return text
  let short = ''
  let width = 0
  for (const { segment } of graphemes.segment(text)) {
    width += graphemeWidth(segment)
    if (width > columns - 1) break
    short += segment
  }
  const isOpen = short.lastIndexOf(markStart) > short.lastIndexOf(markEnd)
  return `${short.trimEnd()}…${isOpen ? markEnd : ''}`
}

/** Around a word to be marked, until `marked` says how; of no width. */
export const markStart = '\u0002'
export const markEnd = '\u0003'

/** Marks what is between `markStart` and `markEnd`: in bold on a terminal with colour, else between asterisks. */
export function marked(terminal: Terminal, text: string): string {
  return text.replace(marks, (_, word: string) =>
    terminal.hasColour ? `\u001b[1;33m${word}\u001b[0m` : `*${word}*`,
  )
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: no stored text has these characters once it is printable
const marks = /\u0002([^\u0002\u0003]*)\u0003/g
