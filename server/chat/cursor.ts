import { z } from 'zod'
import { defineError } from '../errors.ts'
import type { ConversationCursor, ConversationRow } from './store.ts'

const malformedCursor = defineError(
  400,
  'invalid_cursor',
  () => 'That cursor is not one of this list; start without one.',
)

const shape = z.tuple([z.boolean(), z.iso.datetime(), z.uuid()])

/** Where the next page goes on, opaque to clients. */
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
