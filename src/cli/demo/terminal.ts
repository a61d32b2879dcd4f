/** What the demo prints to, and what that can show. */
export interface Terminal {
  write(text: string): void
  /** Columns that a line may take. */
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

const widest = 100

/** The terminal behind a stream: colour only on a terminal, and never where NO_COLOR is set (no-color.org). */
export function terminalOf(
  stream: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  const isInteractive = stream.isTTY === true && environment.TERM !== 'dumb'
  return {
    write: (text) => void stream.write(text),
    columns: Math.max(60, Math.min(widest, stream.columns ?? widest)),
    hasColour: isInteractive && !environment.NO_COLOR,
    isInteractive,
  }
}

const codes = { bold: 1, dim: 2, green: 32, yellow: 33, cyan: 36 } as const
export type Style = keyof typeof codes

/** The text in a style, or as it is where there is no colour. */
export function styled(terminal: Terminal, style: Style, text: string): string {
  return terminal.hasColour ? `\u001b[${codes[style]}m${text}\u001b[0m` : text
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const wide =
  /\p{Emoji_Presentation}|\uFE0F|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303F\uFF01-\uFF60]/u

/** Columns that a text takes on a terminal: two for emoji and for Chinese, Japanese and Korean characters. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** The text in at most `columns` columns; what is left out shows as an ellipsis. */
export function shortened(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let short = ''
  let width = 0
  for (const { segment } of graphemes.segment(text)) {
    width += displayWidth(segment)
    if (width > columns - 1) break
    short += segment
  }
  return `${short.trimEnd()}…`
}

export interface Row {
  readonly cells: readonly string[]
  readonly style?: Style | undefined
}

/**
 * A table of plain text, its lines no wider than the terminal. Columns are as wide as their widest cell; the last takes
 * what is left and is shortened, so that text that runs from right to left cannot shift another column.
 */
export function tableLines(terminal: Terminal, header: readonly string[], rows: readonly Row[]): string[] {
  const indent = '  '
  const gap = '  '
  const lastColumn = header.length - 1
  const widths = header
    .slice(0, lastColumn)
    .map((title, column) =>
      Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row.cells[column] ?? ''))),
    )
  const used = widths.reduce((sum, width) => sum + width + gap.length, indent.length)
  const line = (cells: readonly string[]): string =>
    indent +
    [
      ...widths.map((width, column) => padded(cells[column] ?? '', width)),
      shortened(cells[lastColumn] ?? '', terminal.columns - used),
    ]
      .join(gap)
      .trimEnd()
  return [
    styled(terminal, 'dim', line(header)),
    ...rows.map((row) => (row.style ? styled(terminal, row.style, line(row.cells)) : line(row.cells))),
  ]
}

function padded(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)))
}
