import { Dialog } from '../ui/dialog.tsx'
import { DocumentView } from './document-view.tsx'
import type { HighlightedPassage } from './find-passage.ts'

/** Shows a document page by page in a dialog. */
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
