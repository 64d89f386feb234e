import { type Layer } from '../../../contract/layers.ts'
import type { LocalFile } from '../store/folders.ts'

/** A file of an ingest run; its bytes, if any, are stored as an original. */
export type IngestFile = {
  /** The name shown to users: a base name, the title of a text, or a URL. */
  name: string
  /** Null for texts and web pages. */
  filename: string | null
} & (
  | { sha256: string; bytes: number; title?: string }
  | { url: string }
  | { local: WatchedFile }
  /** The reason if the file was refused before it was read. */
  | { refused: { code: string; message: string }; local?: WatchedFile }
)

export type AcceptedFile = Exclude<IngestFile, { refused: unknown }>
/** A file of an upload. */
export type StoredFile = Extract<IngestFile, { sha256: string }>

/** A file of a watched folder; `root` is the folder's path. */
export type WatchedFile = LocalFile & { root: string }

/** The input of an ingest run: enough to start over on another server. */
export type IngestInput = {
  aveeId: string
  source: 'upload' | 'text' | 'url' | 'folder'
  /** Null: the layer of the replaced document, otherwise `usualLayer`. */
  layer: Layer | null
  usualLayer: Layer
  files: IngestFile[]
  /** Whether to keep pictures without text, for models with vision. */
  keepsPictures?: boolean
  /** For a watched folder: its id, and the paths that no longer exist in it. */
  folder?: { id: string; gone: string[] }
  /** A message to emit before the first file. */
  about?: string
}

/** Whether the result of this file ends the run. */
export const endsWith = ({ files, folder }: IngestInput, index: number): boolean =>
  index === files.length - 1 && folder === undefined
