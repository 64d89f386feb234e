import type { Database } from '../../db/index.ts'
import { defineError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'
import type { Completion, RunContext, RunKind, Runs } from '../../runs/index.ts'
import { againAndAgain } from '../again-and-again.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import {
  deleteVectorsOfOtherSpaces,
  findDocumentToEmbed,
  findOwnerId,
  listAveesToEmbed,
  markEmbedded,
} from '../store/vectors.ts'
import { embedMissingPassages } from './write.ts'

/** How often it is looked whether an embedding model has come, or another one. */
const everyMs = 60_000
const firstAfterMs = 5_000
/** How long a model may take to say whether it is there. */
const patienceMs = 5_000
const deletedAtOnce = 500

export type EmbeddingInput = { aveeId: string; space: string }

type Rooms = {
  database: Database
  runs: Runs
  log: Log
  embedder(signal: AbortSignal): Promise<Embedder | undefined>
  indexes: VectorIndexes
}

const embeddingModelUnavailable = defineError(
  503,
  'embedding_model_away',
  () => 'The embedding model is away or was exchanged; the documents are embedded when one is there.',
)

/**
 * The run that gives an avee's documents the vectors they lack: of documents that came while there was no embedding
 * model, or when another took its place. Search goes on meanwhile, by words and by what has its vectors already.
 */
export function embeddingRunKind(rooms: Rooms): RunKind<EmbeddingInput> {
  const { db } = rooms.database
  async function work({ run, signal, emit }: RunContext<EmbeddingInput>): Promise<Completion> {
    const { aveeId, space } = run.input
    let documents = 0
    for (;;) {
      signal.throwIfAborted()
      const document = await findDocumentToEmbed(db, aveeId, space)
      if (!document) break
      const embedder = await rooms.embedder(signal)
      if (embedder?.space !== space) throw embeddingModelUnavailable()
      let done = 0
      await embedMissingPassages(rooms, embedder, document, signal, (count) => (done += count))
      await markEmbedded(db, document.version, space)
      documents += 1
      await emit({
        message: `Embedded ${document.title}`,
        stage: 'embed',
        completed: done,
        total: document.passages,
      })
    }
    while (await deleteVectorsOfOtherSpaces(db, aveeId, space, deletedAtOnce)) signal.throwIfAborted()
    return { event: { done: true, documents } }
  }
  return {
    work,
    close: async (_run, closing) =>
      closing.status === 'stopped' ? { event: 'stopped' } : { error: closing.error },
  }
}

/** Looks every minute whether there is something to embed and something to embed it with, and starts the runs. */
export function embeddingWatch({ database, runs, log, embedder }: Omit<Rooms, 'indexes'>) {
  async function look(closing: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(patienceMs)])
    const model = await embedder(signal)
    if (!model) return
    for (const aveeId of await listAveesToEmbed(database.db, model.space)) {
      const userId = await findOwnerId(database.db, aveeId)
      if (userId === undefined || closing.aborted) continue
      await runs.start<EmbeddingInput>({
        kind: 'index',
        userId,
        subject: `${model.space} ${aveeId}`,
        scope: aveeId,
        input: { aveeId, space: model.space },
      })
    }
  }

  return againAndAgain(look, {
    firstAfterMs,
    pauseMs: () => everyMs,
    log,
    failure: 'looking for documents to embed failed; it is tried again',
  })
}
