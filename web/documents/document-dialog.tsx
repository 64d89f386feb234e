import { Dialog } from '../ui/dialog.tsx'
import { DocumentView } from './document-view.tsx'
import type { HighlightedPassage } from './find-passage.ts'

/** A document, page by page, in a window of its own. */
export function DocumentDialog({
  documentId,
  title,
  passage,
  onClose,
}: {
  documentId: string
  title: string
  passage?: HighlightedPassage | undefined
  onClose: () => void
}) {
  return (
    <Dialog open onOpenChange={onClose} title={title} wide>
      <DocumentView documentId={documentId} passage={passage} />
    </Dialog>
  )
}
