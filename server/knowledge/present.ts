import type { Document, Folder, Passage, SearchHit } from '../../contract/knowledge.ts'
import type { Knowledge, ListedDocument } from './knowledge.ts'
import type { Hit } from './search/hit.ts'
import type { ListedFolder } from './store/folders.ts'

export const presentDocument = (row: ListedDocument): Document => ({
  id: row.id,
  avee_id: row.avee_id,
  title: row.title,
  filename: row.filename,
  type: row.type,
  source: row.source,
  // Paths of the server are not shown.
  source_url: row.source === 'folder' ? null : row.source_url,
  layer: row.layer,
  bytes: Number(row.bytes),
  pages: row.pages,
  passages: row.passages,
  language: row.language,
  embedded: row.embedded,
  created_at: row.created_at.toISOString(),
  updated_at: row.updated_at.toISOString(),
})

export const presentFolder = (row: ListedFolder): Folder => ({
  id: row.id,
  path: row.path,
  layer: row.layer,
  documents: row.documents,
  failed: row.failed,
  problem: row.problem,
  looked_at: row.looked_at?.toISOString() ?? null,
  created_at: row.created_at.toISOString(),
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
  passage: passage.n,
  page: passage.page,
  heading: passage.heading,
  start: passage.start_offset,
  end: passage.end_offset,
  text: passage.text,
  before,
  after,
  layer: document.layer,
})

export const presentHit = (hit: Hit): SearchHit => ({
  document_id: hit.documentId,
  title: hit.title,
  filename: hit.filename,
  page: hit.page,
  passage: hit.n,
  start: hit.start,
  end: hit.end,
  text: hit.text,
  score: hit.score,
  layer: hit.layer,
})
