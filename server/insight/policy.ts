import type { Avee, Avees } from '../avees/index.ts'
import { notTheOwner } from '../avees/index.ts'
import { keyBoundToAvee } from './errors.ts'

type Caller = { userId: string; aveeId: string | null }

/** The avee, for its owner. @throws 404 when it is not theirs to know of, 403 when not theirs to manage */
export async function ownedBy(avees: Pick<Avees, 'view'>, caller: Caller, idOrHandle: string): Promise<Avee> {
  const { avee, isOwner } = await avees.view(caller, idOrHandle)
  if (!isOwner) throw notTheOwner()
  if (caller.aveeId !== null) throw keyBoundToAvee()
  return avee
}

/**
 * A figure that the owner of an avee sees counts turns of others only when they are of at least this many people;
 * their own always count. With fewer, a number would tell what one person did.
 */
export const minUsers = 3
