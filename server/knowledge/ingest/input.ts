import type { Layer } from '../../../contract/avees.ts'

/** A file of an upload as its run knows it; the bytes are among the originals. */
export type IngestFile = {
  /** As people see it: a base name, the title of a text, an address. */
  name: string
  /** Null for what is no file. */
  filename: string | null
} & (
  | { sha256: string; bytes: number; title?: string }
  | { url: string }
  /** Not taken in at all, and why. */
  | { refused: { code: string; message: string } }
)

/** What an ingest run needs to know, enough to start over on another node. */
export type IngestInput = {
  aveeId: string
  source: 'upload' | 'text' | 'url'
  /** Null: the layer of the document whose place it takes, else `usualLayer`. */
  layer: Layer | null
  usualLayer: Layer
  files: IngestFile[]
  /** What to say before the first file. */
  about?: string
}
