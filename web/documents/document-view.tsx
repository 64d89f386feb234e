import { useQuery } from '@tanstack/react-query'
import { FileText, Image } from 'lucide-react'
import { useEffect, useState } from 'react'
import { getDocument, getDocumentFile } from '../../contract/knowledge.ts'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { IconButton } from '../ui/button.tsx'
import { Notice } from '../ui/state.tsx'
import './documents.css'
import type { HighlightedPassage } from './find-passage.ts'
import { ImagePage } from './image-page.tsx'
import { PageText } from './page-text.tsx'
import { PdfViewer } from './pdf/pdf-viewer.tsx'
import { TextSkeleton } from './text-skeleton.tsx'

/** Types of pictures that browsers show. */
const pictures = new Set(['png', 'jpg', 'gif', 'webp', 'bmp'])

/**
 * A document page by page, a passage marked in its place: a PDF as it was printed, a picture as it is, everything else
 * as its text.
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
  const [wantsText, setWantsText] = useState(false)
  const [undrawn, setUndrawn] = useState<string>()
  useEffect(() => setPage(undefined), [documentId, passage])

  if (document.isPending) return <TextSkeleton />
  const type = document.data?.type ?? ''
  const isPicture = pictures.has(type)
  const canDraw = (type === 'pdf' || isPicture) && undrawn !== documentId
  if (!canDraw || wantsText) {
    return (
      <>
        {undrawn === documentId && (
          <Notice>The page cannot be shown as it was printed. This is its text.</Notice>
        )}
        <PageText documentId={documentId} passage={passage} page={page} onTurn={setPage}>
          {canDraw && (
            <IconButton label="Show the page" icon={Image} small onClick={() => setWantsText(false)} />
          )}
        </PageText>
      </>
    )
  }
  const drawn = {
    url: api.url(getDocumentFile, { params: { id: documentId } }),
    title: document.data?.title ?? '',
    passage,
    onProblem: () => setUndrawn(documentId),
    children: <IconButton label="Show the text" icon={FileText} small onClick={() => setWantsText(true)} />,
  }
  return isPicture ? <ImagePage {...drawn} /> : <PdfViewer {...drawn} page={page} onTurn={setPage} />
}
