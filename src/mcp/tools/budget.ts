import { ToolError } from './errors.ts'
import type { ToolAnswer } from './tool.ts'

/** Characters that no result exceeds: text and data together, as JSON. */
export const longestResult = 20_000

/** For the protocol's own frame around an answer. */
const frame = 1000

/** Characters of an answer as it is sent: the text is a JSON string, so what must be escaped counts as escaped. */
export function answerLength({ text, data }: ToolAnswer<unknown>): number {
  return JSON.stringify(text).length + JSON.stringify(data).length
}

/** Whether an answer may be sent as it is. */
export function fits(answer: ToolAnswer<unknown>): boolean {
  return answerLength(answer) <= longestResult - frame
}

/** The longest beginning of a text that takes at most so many characters as JSON; never half of a surrogate pair. */
export function beginning(text: string, characters: number): string {
  let length = Math.min(text.length, characters)
  for (;;) {
    const cut = wholeCharacters(text, length)
    const excess = JSON.stringify(cut).length - 2 - characters
    if (excess <= 0) return cut
    // Escapes take up to six characters for one: each step removes at least what is too much by that rate.
    length = Math.max(0, cut.length - Math.max(1, Math.ceil(excess / 6)))
  }
}

function wholeCharacters(text: string, length: number): string {
  const last = text.charCodeAt(length - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff && length < text.length ? length - 1 : length)
}

/** Characters of an entry's text in a list: as many as usual, or fewer where not even one entry would fit. */
const charactersInList = [1500, 200, 0]

/**
 * The answer with as many of the entries, from the first, as fit.
 *
 * @param answer makes the answer of so many entries, with so many characters of each one's text.
 * @throws ToolError if not even the first fits, which takes names of kilobytes.
 */
export function fitted<Output>(
  count: number,
  answer: (shown: number, characters: number) => ToolAnswer<Output>,
): { readonly shown: number; readonly answer: ToolAnswer<Output> } {
  for (const characters of charactersInList) {
    const whole = answer(count, characters)
    if (fits(whole)) return { shown: count, answer: whole }
    let least = 0
    let most = count - 1
    while (least < most) {
      const middle = Math.ceil((least + most) / 2)
      if (fits(answer(middle, characters))) least = middle
      else most = middle - 1
    }
    if (least > 0) return { shown: least, answer: answer(least, characters) }
  }
  throw new ToolError('The next entry has names too long to be shown. Ask for others, or tell the person.')
}
