import { createHash } from 'node:crypto'

/** `version` changes with the image. */
export type AvatarImage = { type: string; version: string; bytes: Buffer }

/** Parses a stored avatar; undefined for an emoji or none. */
export function parseAvatar(stored: string | null): AvatarImage | undefined {
  const [head = '', data] = stored?.split(',', 2) ?? []
  const type = /^data:(image\/\w+);base64$/.exec(head)?.[1]
  if (type === undefined || data === undefined) return undefined
  const bytes = Buffer.from(data, 'base64')
  return { type, version: createHash('sha256').update(bytes).digest('hex').slice(0, 16), bytes }
}
