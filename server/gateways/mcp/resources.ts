import * as z from 'zod/mini'
import { id } from '../../../contract/common.ts'
import { layersWithin } from '../../../contract/layers.ts'
import type { Avees } from '../../avees/index.ts'
import type { Caller } from '../../http/caller.ts'
import { documentNotFound, documentPolicy, type Knowledge } from '../../knowledge/index.ts'
import { decodeCursor, encodeCursor } from '../../paging.ts'

const pageSize = 100
const position = z.object({ avee: id, after: z.optional(id) })

/** The documents of the caller's own avees as MCP resources. */
export function documentResources({ avees, knowledge }: { avees: Avees; knowledge: Knowledge }) {
  const policy = documentPolicy({ avees, knowledge })
  return {
    /** Lists documents, avee by avee. `next` is the cursor of the next page. */
    async list(caller: Caller, cursor: string | undefined) {
      const owned = await avees.listOwned(caller)
      const from = cursor ? decodeCursor(position, cursor) : undefined
      const first = from ? owned.findIndex(({ avee }) => avee.id === from.avee) : 0
      const remaining = first === -1 ? [] : owned.slice(first)
      for (const [i, { avee, layer }] of remaining.entries()) {
        const page = { limit: pageSize, cursor: i === 0 ? from?.after : undefined }
        const { documents, next } = await knowledge.list(avee.id, layersWithin(layer), page)
        if (next !== null) return { documents, next: encodeCursor({ avee: avee.id, after: next }) }
        const following = remaining[i + 1]
        if (documents.length > 0)
          return { documents, next: following ? encodeCursor({ avee: following.avee.id }) : null }
      }
      return { documents: [], next: null }
    },

    /** Returns the text of a document. @throws document_not_found */
    async read(caller: Caller, documentId: string): Promise<string> {
      if (!id.safeParse(documentId).success) throw documentNotFound()
      const { layers } = await policy.accessToDocument(caller, documentId)
      const pages = await knowledge.text(documentId, layers)
      return pages.map(({ text }) => text).join('\n\n')
    },
  }
}
