import { useQuery } from '@tanstack/react-query'
import { FileText, Image } from 'lucide-react'
import { useEffect, useState } from 'react'
import { keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { IconButton } from '../ui/button.tsx'
import { Notice } from '../ui/state.tsx'
import './documents.css'
import { PageText } from './page-text.tsx'
import type { ShownPassage } from './passage-range.ts'
import { PdfPages } from './pdf/pdf-pages.tsx'
import { TextSkeleton } from './text-skeleton.tsx'

/** A document page by page, a passage marked in its place: a PDF as it was printed, everything else as its text. */
export function DocumentView({
  documentId,
  passage,
}: {
  documentId: string
  passage?: ShownPassage | undefined
}) {
  const api = useApi()
  const document = useQuery({
    queryKey: keys.document(documentId),
    queryFn: () => api.documents.get(documentId),
    staleTime: 60_000,
  })
  const [page, setPage] = useState<number>()
  const [wantsText, setWantsText] = useState(false)
  const [undrawn, setUndrawn] = useState<string>()
  useEffect(() => setPage(undefined), [documentId, passage])

  if (document.isPending) return <TextSkeleton />
  const isPdf = document.data?.type === 'pdf' && undrawn !== documentId
  if (document.data && isPdf && !wantsText) {
    return (
      <PdfPages
        url={api.documents.fileUrl(documentId)}
        title={document.data.title}
        passage={passage}
        page={page}
        onTurn={setPage}
        onProblem={() => setUndrawn(documentId)}
      >
        <IconButton label="Show the text" icon={FileText} small onClick={() => setWantsText(true)} />
      </PdfPages>
    )
  }
  return (
    <>
      {undrawn === documentId && (
        <Notice>The page cannot be shown as it was printed. This is its text.</Notice>
      )}
      <PageText documentId={documentId} passage={passage} page={page} onTurn={setPage}>
        {isPdf && <IconButton label="Show the page" icon={Image} small onClick={() => setWantsText(false)} />}
      </PageText>
    </>
  )
}
