import type { Glyph } from './pdfium.ts'
import { textOf } from './runs.ts'

export type PlacedLine = { text: string; left: number; bottom: number; height: number }

const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/
const alef = new Set('اأإآ')
const lam = 'ل'
const scriptsMeet = /(?<=[A-Za-z])(?=[\u0590-\u08ff])|(?<=[\u0590-\u08ff])(?=[A-Za-z])/g

/** Whether most letters run from right to left: their places on the page say nothing of their order. */
export function isRightToLeft(glyphs: Glyph[]): boolean {
  let against = 0
  let letters = 0
  for (const { code } of glyphs) {
    const text = textOf(code)
    if (rightToLeft.test(text)) against += 1
    else if (/\p{L}/u.test(text)) letters += 1
  }
  return against > letters
}

/** The lines as the library orders them, which knows writing from right to left. */
export function linesAsTheyCome(glyphs: Glyph[]): PlacedLine[] {
  const lines: PlacedLine[] = []
  let line: PlacedLine | undefined
  let before: Glyph | undefined
  for (const glyph of glyphs) {
    const letter = textOf(glyph.code)
    if (letter === '\r' || letter === '\n') line = undefined
    else if (line) line.text = isLigature(before, glyph) ? swapped(line.text, letter) : line.text + letter
    else if (letter.trim() !== '') {
      // The margin is on the other side, so nothing is told by it.
      line = { text: letter, left: 0, bottom: glyph.bottom, height: glyph.top - glyph.bottom }
      lines.push(line)
    }
    before = glyph
  }
  return lines.map((placed) => ({ ...placed, text: placed.text.trim().replace(scriptsMeet, ' ') }))
}

/** A ligature of lam and alef is one shape with two letters, which come the wrong way round. */
const isLigature = (before: Glyph | undefined, glyph: Glyph) =>
  before?.left === glyph.left &&
  before.right === glyph.right &&
  textOf(glyph.code) === lam &&
  alef.has(textOf(before.code))

const swapped = (text: string, letter: string) => text.slice(0, -1) + letter + text.slice(-1)
