import type { z } from 'zod/mini'
import { id } from '../contract/common.ts'
import { defineError } from './errors.ts'

const invalidCursor = defineError(
  400,
  'invalid_cursor',
  () => 'The cursor is not valid for this list. Request the first page without a cursor.',
)

/** Encodes the position of a row in its list: the columns by which the list is ordered. */
export const encodeCursor = (position: object): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url')

/** @throws 400 invalid_cursor */
export function decodeCursor<Position>(shape: z.ZodMiniType<Position>, cursor: string): Position {
  try {
    return shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch {
    throw invalidCursor()
  }
}

/** Checks the cursor of a list ordered by id: the id of the last row. @throws 400 invalid_cursor */
export function checkIdCursor(cursor: string | undefined): void {
  if (cursor !== undefined && !id.safeParse(cursor).success) throw invalidCursor()
}

/** Returns the first `limit` of up to `limit + 1` rows, and the cursor of the next page if there is one more row. */
export function pageOf<Row>(rows: Row[], limit: number, cursorOf: (last: Row) => string) {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { page, next: rows.length > limit && last ? cursorOf(last) : null }
}
