import type { Glyph } from './pdfium.ts'
import { textOf } from './runs.ts'

export type PlacedLine = { text: string; left: number; bottom: number; height: number }

const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/
const alef = new Set('اأإآ')
const lam = 'ل'
const scriptsMeet = /(?<=[A-Za-z])(?=[\u0590-\u08ff])|(?<=[\u0590-\u08ff])(?=[A-Za-z])/g

/** Returns whether most letters are written right to left, so that their order does not follow from coordinates. */
export function isRightToLeft(glyphs: Glyph[]): boolean {
  let rightToLeftLetters = 0
  let letters = 0
  for (const { code } of glyphs) {
    const text = textOf(code)
    if (rightToLeft.test(text)) rightToLeftLetters += 1
    else if (/\p{L}/u.test(text)) letters += 1
  }
  return rightToLeftLetters > letters
}

/** Returns the lines in the order of PDFium, which handles right-to-left text. */
export function linesInContentOrder(glyphs: Glyph[]): PlacedLine[] {
  const lines: PlacedLine[] = []
  let line: PlacedLine | undefined
  let before: Glyph | undefined
  for (const glyph of glyphs) {
    const letter = textOf(glyph.code)
    if (letter === '\r' || letter === '\n') line = undefined
    else if (line)
      line.text = isLigature(before, glyph) ? insertBeforeLast(line.text, letter) : line.text + letter
    else if (letter.trim() !== '') {
      // The margin is on the other side, so the left edge carries no information.
      line = { text: letter, left: 0, bottom: glyph.bottom, height: glyph.top - glyph.bottom }
      lines.push(line)
    }
    before = glyph
  }
  return lines.map((placed) => ({ ...placed, text: placed.text.trim().replace(scriptsMeet, ' ') }))
}

/** PDFium returns the two letters of a lam-alef ligature in reverse order. */
const isLigature = (before: Glyph | undefined, glyph: Glyph) =>
  before?.left === glyph.left &&
  before.right === glyph.right &&
  textOf(glyph.code) === lam &&
  alef.has(textOf(before.code))

const insertBeforeLast = (text: string, letter: string) => text.slice(0, -1) + letter + text.slice(-1)
