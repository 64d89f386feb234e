import type { Memory as WireMemory } from '../../contract/memory.ts'
import type { MemoryRow } from './store/memories.ts'

const timeOf = (at: Date | null): string | null => at?.toISOString() ?? null
/** Scores are stored as 4-byte floats. */
const score = (value: number): number => Math.round(value * 1000) / 1000

/** Renders a memory in the wire format. */
export const presentMemory = (row: MemoryRow): WireMemory => ({
  ...row,
  confidence: score(row.confidence),
  importance: score(row.importance),
  source:
    row.start_offset === null || row.end_offset === null
      ? null
      : { start: row.start_offset, end: row.end_offset },
  valid_from: timeOf(row.valid_from),
  valid_until: timeOf(row.valid_until),
  last_confirmed_at: row.last_confirmed_at.toISOString(),
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
  restorable_until: row.restorable_until?.toISOString(),
})
