import type { Avee, Avees } from '../avees/index.ts'
import { notTheOwner } from '../avees/index.ts'
import { keyBoundToAvee } from './errors.ts'

type Caller = { userId: string; aveeId: string | null }

/**
 * Returns the avee to its owner.
 * @throws 404 when the caller may not see it, 403 when they do not own it or use a restricted key
 */
export async function getOwnedAvee(
  avees: Pick<Avees, 'view'>,
  caller: Caller,
  idOrHandle: string,
): Promise<Avee> {
  const { avee, isOwner } = await avees.view(caller, idOrHandle)
  if (!isOwner) throw notTheOwner()
  if (caller.aveeId !== null) throw keyBoundToAvee()
  return avee
}

/**
 * The owner's figures include turns of other users only if they come from at least this many, so that no figure reveals
 * what one user did. The owner's own turns always count.
 */
export const minUsers = 3
