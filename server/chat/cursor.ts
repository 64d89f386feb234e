import { z } from 'zod'
import { defineError } from '../errors.ts'
import type { ConversationCursor, ConversationRow } from './store.ts'

const malformedCursor = defineError(
  400,
  'invalid_cursor',
  () => 'The cursor is not valid for this list. Request the first page without a cursor.',
)

const shape = z.tuple([z.boolean(), z.iso.datetime(), z.uuid()])

/** Encodes the last row of a page as the cursor of the next page. */
export const encodeCursor = (row: ConversationRow): string =>
  Buffer.from(JSON.stringify([row.pinned, row.updated_at.toISOString(), row.id])).toString('base64url')

export function decodeCursor(cursor: string): ConversationCursor {
  try {
    const [pinned, updatedAt, id] = shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
    return { pinned, updatedAt, id }
  } catch (cause) {
    throw Object.assign(malformedCursor(), { cause })
  }
}
