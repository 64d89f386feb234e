import { setImmediate } from 'node:timers/promises'
import type { CutPassage } from '../cut/passage.ts'
import type { ReadOutcome, ReadPage } from './document.ts'
import type { ReadMessage, SentPassage } from './messages.ts'

type Part = Extract<ReadMessage, { kind: 'text' | 'headings' | 'passages' }>
type Last = Extract<ReadMessage, { kind: 'document' }>

const passagesInOneGo = 2_000

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
    /** Takes a breath now and then: a long document has tens of thousands of passages. */
    async finish({ type, title, paged, language }: Last): Promise<ReadOutcome> {
      const cut: CutPassage[] = []
      for (const { pageIndex, start, end, heading } of passages) {
        const page = pages[pageIndex]
        const text = page?.text.slice(start, end) ?? ''
        cut.push({ n: cut.length + 1, page: paged ? (page?.page ?? null) : null, start, end, heading, text })
        if (cut.length % passagesInOneGo === 0) await setImmediate()
      }
      return { ok: true, document: { type, title, paged, pages }, passages: cut, language }
    },
  }
}
