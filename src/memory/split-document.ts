import { createHash } from 'node:crypto'

/** Where a part may end, in falling order of preference; within a sentence only if it is too long by itself. */
const paragraphs = /(?:\r?\n[ \t]*){2,}/g
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })
const words = new Intl.Segmenter('en', { granularity: 'word' })
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/**
 * Splits a text into parts of at most so many characters, at the ends of paragraphs where it can, else of sentences, else
 * of words. Short paragraphs go together. Where a part ends depends on the paragraphs about it and not on how far into
 * the text it is, so that an edit changes the parts around it and leaves the others as they were.
 *
 * @returns the parts in order, without white space at their ends.
 * @example
 * splitDocument('One.\n\nTwo.', 1000) // ['One.\n\nTwo.']
 */
export function splitDocument(text: string, maxCharacters: number): string[] {
  const parts: string[] = []
  let part = ''
  const close = () => {
    if (part.trim() !== '') parts.push(part.trim())
    part = ''
  }
  for (const paragraph of pieces(text, paragraphs)) {
    if (paragraph.trimEnd().length > maxCharacters) {
      close()
      parts.push(...packed(paragraph, maxCharacters))
      continue
    }
    if ((part + paragraph).trimEnd().length > maxCharacters) close()
    part += paragraph
    if (part.length >= maxCharacters / 4 && isBoundary(paragraph)) close()
  }
  close()
  return parts
}

/** The text cut after each match, so that the pieces together are the text. */
function pieces(text: string, separator: RegExp): string[] {
  const cuts = [...text.matchAll(separator)].map((match) => match.index + match[0].length)
  return [...cuts, text.length].map((end, at) => text.slice(cuts[at - 1] ?? 0, end))
}

/** One paragraph in four ends a part that is long enough, always the same ones: whatever was inserted before them. */
function isBoundary(paragraph: string): boolean {
  return createHash('sha256').update(paragraph.trim()).digest().readUInt8() % 4 === 0
}

/** A paragraph that is too long, in as many sentences (or words, or characters) as fit together. */
function packed(paragraph: string, maxCharacters: number): string[] {
  const parts: string[] = []
  let part = ''
  for (const piece of fitting(paragraph, maxCharacters)) {
    if ((part + piece).trimEnd().length > maxCharacters) {
      parts.push(part.trim())
      part = ''
    }
    part += piece
  }
  parts.push(part.trim())
  return parts.filter((each) => each !== '')
}

function* fitting(paragraph: string, maxCharacters: number): Generator<string> {
  for (const { segment: sentence } of sentences.segment(paragraph)) {
    if (sentence.length <= maxCharacters) {
      yield sentence
      continue
    }
    for (const { segment: word } of words.segment(sentence)) {
      if (word.length <= maxCharacters) yield word
      else for (const { segment: grapheme } of graphemes.segment(word)) yield* cut(grapheme, maxCharacters)
    }
  }
}

/** A grapheme may be longer than a part is allowed to be: a letter with a thousand accents. */
function* cut(grapheme: string, maxCharacters: number): Generator<string> {
  let piece = ''
  for (const character of grapheme) {
    if (piece.length + character.length > maxCharacters && piece !== '') {
      yield piece
      piece = ''
    }
    piece += character
  }
  yield piece
}
