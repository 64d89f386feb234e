import { cellGap, countWide, type Run, sameLine } from './runs.ts'

export type Line = { text: string; runs: Run[]; left: number; right: number; bottom: number; height: number }

/** Columns of text have lines of a minimum length that are neither figures nor table rows. Wide characters count twice. */
const minProseCharacters = 28
const maxDigitShare = 0.15
const maxCellsPerLine = 1.5
const minLines = 3
/** Justified text has wide gaps between words. */
const proseCellGap = 2

/** Groups runs into lines, top to bottom and left to right; tabs separate cells. */
export function linesOf(runs: Run[]): Line[] {
  const rows = rowsOf(runs)
  const lines = rows.map((row) => lineOf(row, cellGap))
  return isProse(lines) ? rows.map((row) => lineOf(row, proseCellGap)) : lines
}

/** Returns whether lines are prose rather than a table, a list of names or a form. */
export function isProse(lines: Line[]): boolean {
  if (lines.length < minLines) return false
  const text = lines.map((line) => line.text).join('')
  const digits = text.match(/\d/g)?.length ?? 0
  const cells = lines.reduce((sum, line) => sum + line.text.split('\t').length, 0)
  return (
    text.length + countWide(text) > minProseCharacters * lines.length &&
    digits < maxDigitShare * text.length &&
    cells < maxCellsPerLine * lines.length
  )
}

function rowsOf(runs: Run[]): Run[][] {
  const lines: Run[][] = []
  let line: Run[] = []
  let main: Run | undefined
  for (const run of runs.toSorted((a, b) => b.bottom - a.bottom)) {
    if (main && Math.abs(main.bottom - run.bottom) <= sameLine * Math.max(main.height, run.height)) {
      line.push(run)
      if (run.text.length > main.text.length) main = run
    } else {
      line = [run]
      lines.push(line)
      main = run
    }
  }
  return lines
}

function lineOf(unsorted: Run[], maxGap: number): Line {
  const runs = unsorted.toSorted((a, b) => a.left - b.left)
  const main = runs.reduce((longest, run) => (run.text.length > longest.text.length ? run : longest))
  let text = ''
  let right = Number.NEGATIVE_INFINITY
  for (const run of runs) {
    if (text !== '') text += between(run, run.left - right, main.height, maxGap)
    text += run.text
    right = Math.max(right, run.right)
  }
  return { text, runs, left: runs[0]?.left ?? 0, right, bottom: main.bottom, height: main.height }
}

function between(run: Run, gap: number, height: number, maxGap: number): string {
  if (gap >= maxGap * height) return '\t'
  return run.apart || gap > 0.15 * height ? ' ' : ''
}
