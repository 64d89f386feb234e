import { isWithin, type Layer, layers, layersWithin } from '../../contract/layers.ts'
import { type Avee, type Avees, notTheOwner } from '../avees/index.ts'
import { documentNotFound, keyForReading } from './errors.ts'

type Caller = { userId: string; aveeId: string | null }

/** The current layers of documents; null for attachments of others. Deleted documents are missing. */
export type DocumentLayers = ReadonlyMap<string, Layer | null>

/** Whether a reader with access up to `layer` may see all of these documents. */
export const areVisible = (ids: string[], layer: Layer, current: DocumentLayers): boolean =>
  ids.every((id) => {
    const documentLayer = current.get(id)
    return documentLayer != null && isWithin(documentLayer, layer)
  })

/** The layers of an avee's documents that a caller may see. */
export type Access = {
  /** For an attachment, the one of its conversation. */
  avee: Avee
  isAttachment: boolean
  layers: Layer[]
  isOwner: boolean
  /** @throws unless the caller owns the avee and does not use a key restricted to it */
  assertCanChange: () => void
}

/** Access to documents, derived from the access to their avee, for every request. */
export function documentPolicy({
  avees,
  knowledge,
}: {
  avees: Pick<Avees, 'view' | 'viewOfConversation'>
  knowledge: { aveeOf(documentId: string): Promise<string | undefined> }
}) {
  /** @throws avee_not_found also for an avee that the caller may not see */
  async function accessToAvee(caller: Caller, idOrHandle: string): Promise<Access> {
    const { avee, layer, isOwner } = await avees.view(caller, idOrHandle)
    return {
      avee,
      isAttachment: false,
      layers: layersWithin(layer),
      isOwner,
      assertCanChange() {
        if (!isOwner) throw notTheOwner()
        if (caller.aveeId !== null) throw keyForReading()
      },
    }
  }

  return {
    accessToAvee,

    /** @throws document_not_found also for a document of an avee that the caller may not see */
    async accessToDocument(caller: Caller, documentId: string): Promise<Access> {
      const aveeId = await knowledge.aveeOf(documentId)
      if (aveeId === undefined) throw documentNotFound()
      try {
        return await accessToAvee(caller, aveeId)
      } catch {
        // The avee of an attachment has the id of the conversation, and is hidden.
        const view = await avees.viewOfConversation(caller, aveeId)
        if (!view) throw documentNotFound()
        const assertCanChange = () => undefined
        return { avee: view.avee, isAttachment: true, layers: [...layers], isOwner: true, assertCanChange }
      }
    },
  }
}
