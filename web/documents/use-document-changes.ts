import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type Document, deleteDocument, restoreDocument, updateDocument } from '../../contract/knowledge.ts'
import type { Layer } from '../../contract/layers.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { errorMessage } from '../ui/state.tsx'
import { useToast } from '../ui/toast.tsx'

/** Moves, deletes and restores documents, one at a time; a failure does not affect the others. */
export function useDocumentChanges() {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: keys.documents }),
      queries.invalidateQueries({ queryKey: keys.status }),
    ])

  /** Returns the ids for which the change succeeded. */
  async function changeEach(ids: readonly string[], change: (id: string) => Promise<unknown>) {
    const changed: string[] = []
    let failure: unknown
    for (const id of ids) {
      try {
        await change(id)
        changed.push(id)
      } catch (error) {
        failure = error
      }
    }
    await refresh()
    const failed = ids.length - changed.length
    if (failed > 0)
      showToast(
        `${ids.length > 1 ? `${t('{count, plural, one {# document} other {# documents}} not changed.', { count: failed })} ` : ''}${errorMessage(failure)}`,
        'bad',
      )
    return changed
  }

  const move = useMutation({
    mutationFn: ({ documents, layer }: { documents: readonly Document[]; layer: Layer }) =>
      changeEach(
        documents.map(({ id }) => id),
        (id) => api.call(updateDocument, { params: { id }, body: { layer } }),
      ),
  })

  return {
    refresh,
    move,
    async remove(documents: readonly Document[]): Promise<void> {
      const restorable: string[] = []
      const deleted = await changeEach(
        documents.map(({ id }) => id),
        async (id) => {
          const { receipt } = await api.call(deleteDocument, { params: { id } })
          if (receipt.restorable_until !== null) restorable.push(id)
        },
      )
      if (deleted.length === 0) return
      const text =
        deleted.length === 1
          ? t('Document deleted')
          : t('{count, plural, one {# document} other {# documents}} deleted', { count: deleted.length })
      const restore = () => changeEach(restorable, (id) => api.call(restoreDocument, { params: { id } }))
      showToast(
        text,
        'good',
        restorable.length > 0 ? { label: t('Undo'), onSelect: () => void restore() } : undefined,
      )
    },
  }
}
