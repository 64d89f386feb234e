import type { ReadOutcome, ReadPage } from './document.ts'
import type { ReadMessage, SentPassage } from './messages.ts'

type Part = Extract<ReadMessage, { kind: 'text' | 'headings' | 'passages' }>
type Last = Extract<ReadMessage, { kind: 'document' }>

/** Puts a document together again from the parts that a reading process sends. */
export function assembly() {
  const pages: ReadPage[] = []
  const passages: SentPassage[] = []
  return {
    add(part: Part) {
      if (part.kind === 'passages') passages.push(...part.passages)
      else {
        const page = (pages[part.pageIndex] ??= { page: part.pageIndex + 1, text: '', headings: [] })
        if (part.kind === 'headings') page.headings = part.headings
        else Object.assign(page, { page: part.page, text: page.text + part.text })
      }
    },
    finish({ type, title, paged, language }: Last): ReadOutcome {
      return {
        ok: true,
        document: { type, title, paged, pages },
        language,
        passages: passages.map(({ pageIndex, start, end, heading }, i) => {
          const page = pages[pageIndex]
          const text = page?.text.slice(start, end) ?? ''
          return { n: i + 1, page: paged ? (page?.page ?? null) : null, start, end, heading, text }
        }),
      }
    },
  }
}
