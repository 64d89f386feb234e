import type { Originals } from '../files.ts'
import type { DocumentParser, ReadOutcome } from '../parsers/index.ts'
import type { StoredFile } from './input.ts'
import type { Progress } from './progress.ts'

/** The bytes of a file and their origin. */
export type FileContent = {
  sha256: string
  bytes: number
  /** The name whose extension selects the parser. */
  readAs: string
  title: string | null
  sourceUrl: string | null
  isWebPage?: boolean
}

export const storedContent = (file: StoredFile): FileContent => ({
  sha256: file.sha256,
  bytes: file.bytes,
  readAs: file.filename ?? 'text.md',
  title: file.title ?? null,
  sourceUrl: null,
})

/** Parses files while earlier ones are stored, by their index in the run. */
export function readAhead(parser: DocumentParser, files: Originals, user: string, signal: AbortSignal) {
  type Reading = { sha256: string; outcome: Promise<ReadOutcome>; target: { progress?: Progress } }
  const begun = new Map<number, Reading>()

  function begin(content: FileContent, target: Reading['target']): Promise<ReadOutcome> {
    const outcome = parser.read(files.pathOf(content.sha256), content.readAs, {
      signal,
      user,
      isWebPage: content.isWebPage === true,
      onProgress: (done, total) =>
        target.progress?.report('parse', `Read page ${done} of ${total}`, done, total),
    })
    outcome.catch(() => undefined)
    return outcome
  }

  return {
    /** Starts to read a file, unless that has begun. The outcome stays available until the file is taken. */
    async start(index: number, content: FileContent): Promise<ReadOutcome> {
      const target = {}
      const { sha256 } = content
      const reading = begun.get(index) ?? { sha256, outcome: begin(content, target), target }
      begun.set(index, reading)
      return await reading.outcome
    },

    forget(index: number): void {
      begun.delete(index)
    },

    /**
     * Returns a function that resolves to the outcome. Parsing starts at the first call unless `start` has already
     * started it for the same bytes.
     */
    take(index: number, content: FileContent, progress: Progress): () => Promise<ReadOutcome> {
      const target = { progress }
      const begunAhead = begun.get(index)
      const reading = begunAhead?.sha256 === content.sha256 ? begunAhead : undefined
      begun.delete(index)
      if (reading) Object.assign(reading.target, target)
      let outcome = reading?.outcome
      return () => (outcome ??= begin(content, target))
    },
  }
}

export type ReadAhead = ReturnType<typeof readAhead>
