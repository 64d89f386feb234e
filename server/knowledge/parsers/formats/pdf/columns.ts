import { isProse, linesOf } from './lines.ts'
import type { Run } from './runs.ts'

const fewestLines = 3
const deepestSplit = 3
const mostCandidates = 6

/**
 * Splits the runs of a page into blocks in reading order: column by column, with full-width blocks between
 * them. A gutter counts only if there is prose on both sides.
 */
export function blocksOf(runs: Run[], depth = 0): Run[][] {
  if (depth === deepestSplit || runs.length < 4 * fewestLines) return [runs]
  let best: Band[] | undefined
  let most = 0
  for (const x of candidates(runs)) {
    const bands = bandsAt(runs, x)
    const columns = bands.reduce((sum, band) => sum + (band.columns ? lettersIn(band.runs) : 0), 0)
    if (columns > most) {
      most = columns
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
    .filter(({ count }) => count >= fewestLines)
    .sort((a, b) => b.count - a.count)
    .slice(0, mostCandidates)
    .map((edge) => edge.left - 1)
}

/** Splits the page into bands from top to bottom: blocks that cross x, and the blocks between them. */
function bandsAt(runs: Run[], x: number): Band[] {
  const bands: Band[] = []
  let across: Run[] = []
  let beside: Run[] = []
  const endBeside = () => {
    const columns = columnsAt(beside, x)
    if (columns) {
      if (across.length > 0) bands.push({ runs: across, columns: undefined })
      bands.push({ runs: beside, columns })
      across = []
    } else across.push(...beside)
    beside = []
  }
  for (const run of runs.toSorted((a, b) => b.bottom - a.bottom)) {
    const crosses = run.left < x - 1 && run.right > x + 1
    if (!crosses) beside.push(run)
    else {
      endBeside()
      across.push(run)
    }
  }
  endBeside()
  if (across.length > 0) bands.push({ runs: across, columns: undefined })
  return bands
}

function columnsAt(runs: Run[], x: number): [Run[], Run[]] | undefined {
  const left = runs.filter((run) => run.left < x)
  const right = runs.filter((run) => run.left >= x)
  return isProse(linesOf(left)) && isProse(linesOf(right)) ? [left, right] : undefined
}

const lettersIn = (runs: Run[]) => runs.reduce((sum, run) => sum + run.text.length, 0)
