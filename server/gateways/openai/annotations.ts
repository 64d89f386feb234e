import type { Citation } from '../../../contract/messages.ts'

/** The cited passages of an answer, each at its first `[n]` in the text. `baseUrl` is that of this server. */
export const citationsIn = (text: string, citations: readonly Citation[], baseUrl: string) =>
  citations.flatMap((citation) => {
    if (citation.status !== 'available' || !citation.cited) return []
    const marker = `[${citation.n}]`
    const found = text.indexOf(marker)
    const start = found === -1 ? text.length : found
    return {
      start_index: start,
      end_index: found === -1 ? start : start + marker.length,
      title: citation.title,
      url: `${baseUrl}/documents/${citation.document_id}/passages/${citation.passage}`,
    }
  })
