import { isProse, linesOf } from './lines.ts'
import type { Run } from './runs.ts'

const minLines = 3
/** Fewer are the cells of a table rather than lines: with 12, one of 20 annual reports and papers is read wrongly. */
const minRunsOfTwoColumns = 18
const maxDepth = 3
const maxCandidates = 6

/** Splits the runs of a page into blocks in reading order. Columns are separated only if both sides are prose. */
export function blocksOf(runs: Run[], depth = 0): Run[][] {
  if (depth === maxDepth || runs.length < 2 * minLines) return [runs]
  let best: Band[] | undefined
  let mostLetters = 0
  for (const x of candidates(runs)) {
    const bands = bandsAt(runs, x)
    const columns = bands.reduce((sum, band) => sum + (band.columns ? countLetters(band.runs) : 0), 0)
    if (columns > mostLetters) {
      mostLetters = columns
      best = bands
    }
  }
  if (!best) return [runs]
  return best.flatMap((band) =>
    band.columns ? band.columns.flatMap((column) => blocksOf(column, depth + 1)) : [band.runs],
  )
}

type Band = { runs: Run[]; columns: [Run[], Run[]] | undefined }

/** Returns x positions away from the margins where many runs begin. */
function candidates(runs: Run[]): number[] {
  const left = Math.min(...runs.map((run) => run.left))
  const width = Math.max(...runs.map((run) => run.right)) - left
  const edges = new Map<number, { left: number; count: number }>()
  for (const run of runs) {
    if (run.left < left + 0.15 * width || run.left > left + 0.85 * width) continue
    const key = Math.round(run.left / 3)
    const edge = edges.get(key)
    edges.set(key, { left: Math.min(run.left, edge?.left ?? run.left), count: (edge?.count ?? 0) + 1 })
  }
  return [...edges.values()]
    .filter(({ count }) => count >= minLines)
    .sort((a, b) => b.count - a.count)
    .slice(0, maxCandidates)
    .map((edge) => edge.left - 1)
}

/** Splits the page into bands from top to bottom: blocks that cross x, and the blocks between them. */
function bandsAt(runs: Run[], x: number): Band[] {
  const bands: Band[] = []
  let crossing: Run[] = []
  let beside: Run[] = []
  const endBeside = () => {
    const columns = columnsAt(beside, x)
    if (columns) {
      if (crossing.length > 0) bands.push({ runs: crossing, columns: undefined })
      bands.push({ runs: beside, columns })
      crossing = []
    } else crossing.push(...beside)
    beside = []
  }
  for (const run of runs.toSorted((a, b) => b.bottom - a.bottom)) {
    const crosses = run.left < x - 1 && run.right > x + 1
    if (!crosses) beside.push(run)
    else {
      endBeside()
      crossing.push(run)
    }
  }
  endBeside()
  if (crossing.length > 0) bands.push({ runs: crossing, columns: undefined })
  return bands
}

function columnsAt(runs: Run[], x: number): [Run[], Run[]] | undefined {
  const sides = sidesOf(runs, x)
  return sides.every((side) => isText(side) || isTwoColumns(side)) ? sides : undefined
}

const sidesOf = (runs: Run[], x: number): [Run[], Run[]] => [
  runs.filter((run) => run.left < x),
  runs.filter((run) => run.left >= x),
]

const isText = (runs: Run[]) => isProse(linesOf(runs))

/** Whether a side of three columns is two of them. */
const isTwoColumns = (runs: Run[]) =>
  runs.length >= minRunsOfTwoColumns &&
  candidates(runs).some(
    (x) => runs.every((run) => run.left >= x || run.right <= x) && sidesOf(runs, x).every(isText),
  )

const countLetters = (runs: Run[]) => runs.reduce((sum, run) => sum + run.text.length, 0)
