import { FileText } from 'lucide-react'
import { Suspense, useState } from 'react'
import { type Attachment, isPicture } from '../../../contract/attachments.ts'
import { getDocumentFile } from '../../../contract/knowledge.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { onDemand, ScreenBoundary } from '../../shell/screen-boundary.tsx'
import './question-files.css'

const DocumentDialog = onDemand(
  async () => (await import('../../documents/document-dialog.tsx')).DocumentDialog,
)

/** The files of a question: thumbnails of pictures, names of others. Each can be opened. */
export function QuestionFiles({ files }: { files: readonly Attachment[] }) {
  const api = useApi()
  const [open, setOpen] = useState<Attachment>()
  if (files.length === 0) return null
  return (
    <>
      <ul className="question-files" aria-label={t('Attached files')}>
        {files.map((file) => (
          <li key={file.id}>
            <button type="button" className="question-file" title={file.name} onClick={() => setOpen(file)}>
              {isPicture(file.type) ? (
                <img
                  src={api.url(getDocumentFile, { params: { id: file.id } })}
                  alt={file.name}
                  loading="lazy"
                />
              ) : (
                <>
                  <FileText size={16} aria-hidden />
                  <span className="truncate" dir="auto">
                    {file.name}
                  </span>
                </>
              )}
            </button>
          </li>
        ))}
      </ul>
      {open && (
        <ScreenBoundary>
          <Suspense>
            <DocumentDialog documentId={open.id} title={open.name} onClose={() => setOpen(undefined)} />
          </Suspense>
        </ScreenBoundary>
      )}
    </>
  )
}
