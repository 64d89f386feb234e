import type { Glyph } from './pdfium.ts'

/** Adjacent characters on one baseline without a wide gap. */
export type Run = {
  text: string
  left: number
  right: number
  bottom: number
  height: number
  /** True when a space precedes it. */
  apart: boolean
  /** Indexes of its first and last character, to look up the font. */
  first: number
  last: number
}

/** Maximum distance of a character from its line, in its own height; superscripts reach it. */
export const sameLine = 0.45
/** The gap that separates cells, in line heights. */
export const cellGap = 1

/** The same in text with wide characters. It is smaller, because they have no gaps within words. */
const wideCellGap = 0.6

const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uff60]/gu

/** Counts the characters that are as wide as high: ideographs, kana, Hangul and their punctuation. */
export const countWide = (text: string) => text.match(wide)?.length ?? 0

/** PDFium's marker for a hyphen at a line end. */
export const lineHyphen = '\u0002'

/** Groups glyphs into runs, in content order. */
export function runsOf(glyphs: Iterable<Glyph>): Run[] {
  const runs: Run[] = []
  let run: Run | undefined
  let blank = false
  let newline = false
  let hasWide = false
  for (const { index, code, left, right, bottom, top } of glyphs) {
    const text = textOf(code)
    if (text === '') continue
    if (text.trim() === '') {
      blank = true
      newline ||= text === '\n' || text === '\r'
      continue
    }
    const height = top - bottom
    const size = Math.max(height, run?.height ?? 0)
    const letterIsWide = countWide(text) > 0
    const maxGap = letterIsWide || hasWide ? wideCellGap : cellGap
    const follows =
      run !== undefined &&
      !newline &&
      Math.abs(bottom - run.bottom) <= sameLine * size &&
      left - run.right < maxGap * size &&
      left > run.right - size / 2
    if (run && follows) {
      run.text += blank ? ` ${text}` : text
      run.right = Math.max(run.right, right)
      run.last = index
      hasWide ||= letterIsWide
      if (height > run.height) Object.assign(run, { height, bottom })
    } else {
      run = { text, left, right, bottom, height, apart: blank, first: index, last: index }
      runs.push(run)
      hasWide = letterIsWide
    }
    blank = false
    newline = false
  }
  return runs
}

/** Returns a character as text; all hyphenation markers map to one character. */
export function textOf(code: number): string {
  if (code === 0xfffe || code === 0xad) return lineHyphen
  if (code === 0 || code === 0xfeff || code > 0x10ffff) return ''
  return String.fromCodePoint(code)
}
