import { displayWidth, marked, type Style, shortened, styled, type Terminal } from './terminal.ts'

export interface Column {
  readonly title: string
  readonly align?: 'right'
}

export interface Row {
  readonly cells: readonly string[]
  readonly style?: Style | undefined
}

export interface TableOptions {
  /** Put before each line. */
  readonly indent?: string
}

const gap = '  '
/** With less than this for its last column a table is not readable: then that goes below the others. */
const fewestForText = 24

/**
 * A table of plain text, its lines no wider than the terminal. Columns are as wide as their widest cell; the last takes
 * what is left and is shortened, so that text that runs from right to left cannot shift another column. On a narrow
 * terminal the last column goes on a line of its own.
 */
export function tableLines(
  terminal: Terminal,
  columns: readonly (string | Column)[],
  rows: readonly Row[],
  { indent = '' }: TableOptions = {},
): string[] {
  const header = columns.map((column) => (typeof column === 'string' ? { title: column } : column))
  const first = header.slice(0, -1)
  const widths = first.map(({ title }, at) =>
    Math.max(displayWidth(title), ...rows.map(({ cells }) => displayWidth(cells[at] ?? ''))),
  )
  const used = widths.reduce((sum, width) => sum + width + gap.length, indent.length)
  const isStacked = terminal.columns - used < fewestForText && first.length > 0 && rows.length > 0

  const line = (cells: readonly string[]): string => {
    const fixed = widths.map((width, at) => padded(cells[at] ?? '', width, first[at]?.align))
    // Without colour marks are characters, and take their place.
    const text = cells[first.length] ?? ''
    const last = terminal.hasColour ? text : marked(terminal, text)
    if (!isStacked) {
      return indent + [...fixed, shortened(last, terminal.columns - used)].join(gap).trimEnd()
    }
    const above = shortened(indent + fixed.join(gap).trimEnd(), terminal.columns)
    return `${above}\n${shortened(`${indent}${gap}${last}`, terminal.columns)}`
  }
  const shown = rows.map(({ cells, style }) => {
    const text = marked(terminal, line(cells))
    return style ? styled(terminal, style, text) : text
  })
  if (isStacked) return shown.flatMap((text) => text.split('\n'))
  return [styled(terminal, 'dim', line(header.map(({ title }) => title))), ...shown]
}

function padded(text: string, columns: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, columns - displayWidth(text)))
  return align === 'right' ? space + text : text + space
}

/** Names and their values, one a line, the values in a column. */
export function fieldLines(terminal: Terminal, fields: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...fields.map(([name]) => displayWidth(name)))
  return fields.map(
    ([name, value]) => `${styled(terminal, 'dim', padded(name, width, undefined))}${gap}${value}`,
  )
}
