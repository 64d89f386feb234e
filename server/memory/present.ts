import type { MemoryRow } from './store/memories.ts'

/** Scores are stored as 4-byte floats. */
const score = (value: number): number => Math.round(value * 1000) / 1000

/** Renders a memory in the wire format. */
export const presentMemory = (row: MemoryRow) => ({
  ...row,
  confidence: score(row.confidence),
  importance: score(row.importance),
  source:
    row.start_offset === null || row.end_offset === null
      ? null
      : { start: row.start_offset, end: row.end_offset },
})
