import { Dialog } from '../ui/dialog.tsx'
import { PageText, type ShownPassage } from './page-text.tsx'

/** What was read from a document, page by page. */
export function TextDialog({
  documentId,
  title,
  passage,
  onClose,
}: {
  documentId: string
  title: string
  passage?: ShownPassage
  onClose: () => void
}) {
  return (
    <Dialog open onOpenChange={onClose} title={title} wide>
      <PageText documentId={documentId} passage={passage} />
    </Dialog>
  )
}
