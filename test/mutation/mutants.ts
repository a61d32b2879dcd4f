/** One small change to a function's body. */
export interface Mutant {
  /** In the body. */
  readonly line: number
  readonly before: string
  readonly after: string
  /** The whole body with the change. */
  readonly body: string
}

/** What is changed into what. Each is a mistake that somebody could make, and a test should notice. */
const changes: readonly { readonly of: RegExp; readonly to: (text: string) => string }[] = [
  // Comparisons: off by the equal case.
  {
    of: /(?<![<>=!:|&@#~*-])(<=|>=|<(?![>=<@])|>(?![>=]))(?![<>=|&@#~*-])/g,
    to: (text) => (text.endsWith('=') ? text.slice(0, -1) : `${text}=`),
  },
  { of: /(?<= )<>(?= )/g, to: () => '=' },
  { of: /\bIS NOT DISTINCT FROM\b/g, to: () => 'IS DISTINCT FROM' },
  { of: /\bIS DISTINCT FROM\b/g, to: () => 'IS NOT DISTINCT FROM' },
  { of: /\bIS NULL\b/g, to: () => 'IS NOT NULL' },
  { of: /\bIS NOT NULL\b/g, to: () => 'IS NULL' },
  // Conditions.
  { of: /\bAND\b/g, to: () => 'OR' },
  { of: /\bOR\b/g, to: () => 'AND' },
  { of: /\bNOT (?=EXISTS|IN\b|\()/g, to: () => '' },
  // Limits and orders.
  {
    of: /(?<![\w.'$-])\d+(?:\.\d+)?(?![\w.'])/g,
    to: (text) => (text.includes('.') ? String(Number(text) * 1.25) : String(Number(text) + 1)),
  },
  { of: /\bleast\b/gi, to: () => 'greatest' },
  { of: /\bgreatest\b/gi, to: () => 'least' },
  { of: /\bDESC\b/g, to: () => 'ASC' },
  { of: / (?:ASC)\b/g, to: () => ' DESC' },
  { of: /(?<= )[+](?= )/g, to: () => '-' },
  { of: /(?<= )-(?= )/g, to: () => '+' },
]

/**
 * Every mutant of a function's body: each place of each kind of change. Comments, texts and names stay as they are, and so
 * does the AND of a BETWEEN, without which nothing would parse.
 */
export function mutantsOf(body: string): Mutant[] {
  const code = blanked(body)
  return changes.flatMap(({ of, to }) =>
    [...code.matchAll(of)].flatMap((match) => {
      const at = match.index
      const [text] = match
      if (isOfBetween(code, at)) return []
      const changed = body.slice(0, at) + to(text) + body.slice(at + text.length)
      const line = body.slice(0, at).split('\n').length
      return [{ line, before: lineOf(body, at), after: lineOf(changed, at), body: changed }]
    }),
  )
}

/** The same text with blanks for comments and for what is in quotes, so that places stay. */
function blanked(body: string): string {
  return body.replace(/--[^\n]*|E?'(?:[^']|'')*'|"[^"]*"|\/\*[\s\S]*?\*\//g, (text) =>
    text.replace(/[^\n]/g, ' '),
  )
}

function isOfBetween(code: string, at: number): boolean {
  if (!code.startsWith('AND', at)) return false
  const before = code.slice(Math.max(0, at - 80), at)
  const between = before.lastIndexOf('BETWEEN')
  return between >= 0 && !/\bAND\b/.test(before.slice(between))
}

function lineOf(text: string, at: number): string {
  const start = text.lastIndexOf('\n', at - 1) + 1
  const end = text.indexOf('\n', at)
  return text.slice(start, end < 0 ? undefined : end).trim()
}
