import { type Layer, layersWithin } from '../../contract/layers.ts'
import type { Avee, Avees } from '../avees/index.ts'
import { notTheOwner } from '../avees/index.ts'
import { documentNotFound, keyForReading } from './errors.ts'
import type { Knowledge } from './knowledge.ts'

type Caller = { userId: string; aveeId: string | null }

/** What somebody may do with an avee's documents. */
export type Access = { avee: Avee; layers: Layer[]; assertCanChange: () => void }

/** Who may see and change documents: looked up anew each time, through the avee they belong to. */
export function documentPolicy({
  avees,
  knowledge,
}: {
  avees: Pick<Avees, 'view'>
  knowledge: Pick<Knowledge, 'aveeOf'>
}) {
  /** @throws 404 for an avee that is not the caller's to know of */
  async function accessToAvee(caller: Caller, idOrHandle: string): Promise<Access> {
    const { avee, layer, isOwner } = await avees.view(caller, idOrHandle)
    return {
      avee,
      layers: layersWithin(layer),
      /** Only the owner adds, changes and removes; a key that is for talking to an avee does not. */
      assertCanChange() {
        if (!isOwner) throw notTheOwner()
        if (caller.aveeId !== null) throw keyForReading()
      },
    }
  }

  return {
    toAvee: accessToAvee,

    /** @throws 404 document_not_found, whatever of it is not the caller's to know of */
    async accessToDocument(caller: Caller, documentId: string): Promise<Access> {
      const aveeId = await knowledge.aveeOf(documentId)
      if (aveeId === undefined) throw documentNotFound()
      try {
        return await accessToAvee(caller, aveeId)
      } catch {
        throw documentNotFound()
      }
    },
  }
}
