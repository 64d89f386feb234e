import { useQuery } from '@tanstack/react-query'
import { FileText, Image } from 'lucide-react'
import { useEffect, useState } from 'react'
import { getDocument, getDocumentFile } from '../../contract/knowledge.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { IconButton } from '../ui/button.tsx'
import { isEmbedded } from '../ui/embedded.ts'
import { Notice } from '../ui/state.tsx'
import type { HighlightedPassage } from './find-passage.ts'
import { ImagePage } from './image-page.tsx'
import { PageText } from './page-text.tsx'
import { PdfViewer } from './pdf/pdf-viewer.tsx'
import { TextSkeleton } from './text-skeleton.tsx'

/** Image formats that browsers can display. */
const imageTypes = new Set(['png', 'jpg', 'gif', 'webp', 'bmp'])

/**
 * Shows a document page by page with a passage highlighted. PDFs and images are rendered, other documents are shown as
 * text.
 */
export function DocumentView({
  documentId,
  passage,
}: {
  documentId: string
  passage?: HighlightedPassage | undefined
}) {
  const api = useApi()
  const document = useQuery({
    queryKey: keys.document(documentId),
    queryFn: () => api.call(getDocument, { params: { id: documentId } }),
    staleTime: 60_000,
  })
  const [page, setPage] = useState<number>()
  const [isTextView, setIsTextView] = useState(false)
  const [failedId, setFailedId] = useState<string>()
  useEffect(() => setPage(undefined), [documentId, passage])

  if (document.isPending) return <TextSkeleton />
  const type = document.data?.type ?? ''
  const isImage = imageTypes.has(type)
  const hasFailed = failedId === documentId
  const canRender = (type === 'pdf' || isImage) && !hasFailed && !isEmbedded()
  if (!canRender || isTextView) {
    return (
      <>
        {hasFailed && <Notice>{t('The original cannot be displayed. This is its text.')}</Notice>}
        <PageText
          documentId={documentId}
          isMarkdown={type === 'md'}
          passage={passage}
          page={page}
          onPageChange={setPage}
        >
          {canRender && (
            <IconButton label={t('Show original')} icon={Image} small onClick={() => setIsTextView(false)} />
          )}
        </PageText>
      </>
    )
  }
  const viewerProps = {
    documentId,
    url: api.url(getDocumentFile, { params: { id: documentId } }),
    title: document.data?.title ?? '',
    passage,
    onError: () => setFailedId(documentId),
    children: <IconButton label={t('Show text')} icon={FileText} small onClick={() => setIsTextView(true)} />,
  }
  return isImage ? (
    <ImagePage {...viewerProps} />
  ) : (
    <PdfViewer {...viewerProps} page={page} onPageChange={setPage} />
  )
}
