import { type Layer } from '../../../contract/layers.ts'
import type { LocalFile } from '../store/folders.ts'

/** A file of an upload as its run knows it; the bytes are among the originals. */
export type IngestFile = {
  /** As people see it: a base name, the title of a text, an address. */
  name: string
  /** Null for what is no file. */
  filename: string | null
} & (
  | { sha256: string; bytes: number; title?: string }
  | { url: string }
  | { local: WatchedFile }
  /** Not taken in at all, and why. */
  | { refused: { code: string; message: string }; local?: WatchedFile }
)

/** A file of a folder of this machine; `root` is where the folder is. */
export type WatchedFile = LocalFile & { root: string }

/** What an ingest run needs to know, enough to start over on another node. */
export type IngestInput = {
  aveeId: string
  source: 'upload' | 'text' | 'url' | 'folder'
  /** Null: the layer of the document whose place it takes, else `usualLayer`. */
  layer: Layer | null
  usualLayer: Layer
  files: IngestFile[]
  /** Where the files come from a folder that is followed: which, and what is in it no more. */
  folder?: { id: string; gone: string[] }
  /** What to say before the first file. */
  about?: string
}
