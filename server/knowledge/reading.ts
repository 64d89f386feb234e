import type { Layer } from '../../contract/layers.ts'
import type { Db } from '../db/index.ts'
import { documentNotFound, originalMissing, pageNotFound, passageNotFound } from './errors.ts'
import type { Originals } from './files.ts'
import type { PageWord } from './parsers/index.ts'
import type { Hit } from './search/hit.ts'
import { type DocumentRow, findDocument } from './store/documents.ts'
import { findPage, findPageWords, listNeighbours, listPages } from './store/versions.ts'

/** Reads the text and files of documents in the layers of a reader. */
export function documentReader(db: Db, files: Originals) {
  /** Returns a document in one of these layers. @throws document_not_found */
  async function getVisible(id: string, layers: Layer[]): Promise<DocumentRow> {
    const row = await findDocument(db, id)
    if (!row || !layers.includes(row.layer)) throw documentNotFound()
    return row
  }

  return {
    getVisible,

    /** Returns the text of a document, page by page. @throws document_not_found */
    async text(id: string, layers: Layer[]): Promise<{ page: number; text: string }[]> {
      return await listPages(db, (await getVisible(id, layers)).version)
    },

    /**
     * Returns up to `length` characters of a page, around `offset`, as one passage. @throws document_not_found,
     * page_not_found
     */
    async page(
      id: string,
      layers: Layer[],
      { page, offset, length }: { page: number; offset: number; length: number },
    ): Promise<Hit> {
      const { avee_id, title, filename, layer, version, created_at } = await getVisible(id, layers)
      const found = await findPage(db, version, page, offset)
      if (!found) throw pageNotFound(page)
      const { pageText, ...passage } = found
      const start = Math.max(0, Math.min(offset - Math.floor(length / 2), pageText.length - length))
      const end = Math.min(pageText.length, start + length)
      const document = { documentId: id, aveeId: avee_id, title, filename, layer, createdAt: created_at }
      return { ...passage, ...document, start, end, text: pageText.slice(start, end), score: 1 }
    },

    /** Returns the recognized words of a scanned page; none for other pages. @throws document_not_found */
    async pageWords(id: string, layers: Layer[], page: number): Promise<PageWord[]> {
      return (await findPageWords(db, (await getVisible(id, layers)).version, page)) ?? []
    },

    /** Returns a document and its original file. @throws document_not_found, original_missing */
    async file(id: string, layers: Layer[]) {
      const document = await getVisible(id, layers)
      if (!(await files.has(document.sha256))) throw originalMissing()
      return { document, open: () => files.read(document.sha256) }
    },

    /** Returns a passage with the text before and after it. @throws document_not_found, passage_not_found */
    async passage(id: string, layers: Layer[], n: number) {
      const document = await getVisible(id, layers)
      const neighbours = await listNeighbours(db, document.version, n)
      const passage = neighbours.find((each) => each.n === n)
      if (!passage) throw passageNotFound(n)
      const textOf = (number: number) => neighbours.find((each) => each.n === number)?.text ?? ''
      return { document, passage, before: textOf(n - 1), after: textOf(n + 1) }
    },
  }
}
