import { Dialog } from '../ui/dialog.tsx'
import { DocumentView } from './document-view.tsx'
import type { ShownPassage } from './passage-range.ts'

/** A document, page by page, in a window of its own. */
export function DocumentDialog({
  documentId,
  title,
  passage,
  onClose,
}: {
  documentId: string
  title: string
  passage?: ShownPassage | undefined
  onClose: () => void
}) {
  return (
    <Dialog open onOpenChange={onClose} title={title} wide>
      <DocumentView documentId={documentId} passage={passage} />
    </Dialog>
  )
}
