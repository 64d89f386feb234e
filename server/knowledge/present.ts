import type { Passage } from '../../contract/knowledge.ts'
import type { Knowledge, ListedDocument } from './knowledge.ts'

export const presentDocument = (row: ListedDocument) => ({
  ...row,
  // Paths on the server are not shown to clients.
  source_url: row.source === 'folder' ? null : row.source_url,
  bytes: Number(row.bytes),
})

export const presentPassage = ({
  document,
  passage,
  before,
  after,
}: Awaited<ReturnType<Knowledge['passage']>>): Passage => ({
  document_id: document.id,
  title: document.title,
  filename: document.filename,
  ...passage,
  passage: passage.n,
  before,
  after,
  layer: document.layer,
})
