import type { Avee } from './store.ts'

/** `version` changes when the avee is edited. */
export type AvatarImage = { type: string; version: string; bytes: Buffer }

type Pictured = Pick<Avee, 'id' | 'avatar' | 'updatedAt'>

const versionOf = ({ updatedAt }: Pictured): string => String(updatedAt.getTime())

/** Returns the emoji of an avee, the path of its image, or null. */
export const avatarPath = (avee: Pictured): string | null =>
  avee.avatar?.startsWith('data:') ? `/avees/${avee.id}/avatar?v=${versionOf(avee)}` : avee.avatar

/** Parses a stored image; undefined for an emoji or none. */
export function parseAvatar(avee: Pictured): AvatarImage | undefined {
  const [head = '', data] = avee.avatar?.split(',', 2) ?? []
  const type = /^data:(image\/\w+);base64$/.exec(head)?.[1]
  if (type === undefined || data === undefined) return undefined
  return { type, version: versionOf(avee), bytes: Buffer.from(data, 'base64') }
}
