import { setImmediate } from 'node:timers/promises'
import type { DocumentPassage } from '../chunking/passage.ts'
import type { ParsedPage, ParseOutcome } from './document.ts'
import type { ParseMessage, SentPassage } from './messages.ts'

type Part = Extract<ParseMessage, { kind: 'text' | 'headings' | 'words' | 'passages' }>
type Last = Extract<ParseMessage, { kind: 'document' }>

const passagesPerYield = 2_000

/** Rebuilds a document from the messages of a parser process. */
export function documentAssembler() {
  const pages: ParsedPage[] = []
  const passages: SentPassage[] = []
  return {
    add(part: Part) {
      if (part.kind === 'passages') passages.push(...part.passages)
      else {
        const page = (pages[part.pageIndex] ??= { page: part.pageIndex + 1, text: '', headings: [] })
        if (part.kind === 'headings') page.headings = part.headings
        else if (part.kind === 'words') page.words = part.words
        else Object.assign(page, { page: part.page, text: page.text + part.text })
      }
    },
    /** Yields to the event loop regularly, because a long document has tens of thousands of passages. */
    async finish({ type, title, paged, language }: Last): Promise<ParseOutcome> {
      const cut: DocumentPassage[] = []
      for (const { pageIndex, start, end, heading } of passages) {
        const page = pages[pageIndex]
        const text = page?.text.slice(start, end) ?? ''
        cut.push({ n: cut.length + 1, page: paged ? (page?.page ?? null) : null, start, end, heading, text })
        if (cut.length % passagesPerYield === 0) await setImmediate()
      }
      return { ok: true, document: { type, title, paged, pages }, passages: cut, language }
    },
  }
}
