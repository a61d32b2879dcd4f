// What a model reads is, word for word, what the SDK's own file system tool answers: models were trained on these.

const longestLineNumber = 6

/** Lines with their numbers, from `first` on. */
export function numbered(lines: readonly string[], first: number): string {
  return lines.map((line, at) => `${String(at + first).padStart(longestLineNumber, ' ')}\t${line}`).join('\n')
}

/** Bytes as people write them: 512B, 1.5K. */
export function fileSize(bytes: number): string {
  if (bytes === 0) return '0B'
  const units = ['B', 'K', 'M', 'G']
  const unit = Math.floor(Math.log(bytes) / Math.log(1024))
  const size = bytes / 1024 ** unit
  return (size % 1 === 0 ? String(size) : size.toFixed(1)) + units[unit]
}

/** What a directory takes on most file systems. Here it takes nothing, but a model expects a size. */
export const directorySize = '4K'

/**
 * A file with line numbers, or the lines of a range: from the first, 1 being the beginning, to the last, -1 being the end.
 */
export function contentText(path: string, content: string, range: readonly number[] | undefined): string {
  const lines = content.split('\n')
  const [first, last] = range?.length === 2 ? (range as [number, number]) : [1, -1]
  const start = Math.max(1, first) - 1
  const shown = lines.slice(start, last === -1 ? lines.length : last)
  return `Here's the content of ${path} with line numbers:\n${numbered(shown, start + 1)}`
}

/** Where a change was made, with two lines around it. */
export function changeText(content: string, line: number): string {
  const lines = content.split('\n')
  const first = Math.max(0, line - 3)
  const snippet = numbered(lines.slice(first, Math.min(lines.length, line + 2)), first + 1)
  return `The memory file has been edited. Here is the snippet showing the change (with line numbers):\n${snippet}`
}

export interface Entry {
  readonly path: string
  /** Bytes; null for a directory. */
  readonly bytes: number | null
}

/** What lies in a directory, two levels deep, in the order of a walk by names. */
export function listingText(path: string, directory: string, entries: readonly Entry[]): string {
  const shown = entries
    .map(({ path, bytes }) => ({ names: path.slice(directory.length + 1).split('/'), bytes }))
    .filter(({ names }) => names.length <= 2 && !names.some(isHidden))
    .sort((one, other) => compareNames(one.names, other.names))
  const lines = shown.map(({ names, bytes }) =>
    bytes === null
      ? `${directorySize}\t${path}/${names.join('/')}/`
      : `${fileSize(bytes)}\t${path}/${names.join('/')}`,
  )
  const header = `Here're the files and directories up to 2 levels deep in ${path}, excluding hidden items and node_modules:`
  return [header, `${directorySize}\t${path}`, ...lines].join('\n')
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name === 'node_modules'
}

/** Name by name, so that what a directory holds follows it at once. */
function compareNames(one: readonly string[], other: readonly string[]): number {
  for (let at = 0; at < Math.min(one.length, other.length); at++) {
    const [left, right] = [one[at] as string, other[at] as string]
    if (left !== right) return left < right ? -1 : 1
  }
  return one.length - other.length
}
