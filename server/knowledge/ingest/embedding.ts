import type { Database } from '../../db/index.ts'
import { defineError } from '../../errors.ts'
import type { Jobs } from '../../jobs/index.ts'
import type { Embedder } from '../../models/index.ts'
import type { Completion, RunContext, RunKind, Runs } from '../../runs/index.ts'
import type { VectorIndexes } from '../store/vector-index.ts'
import {
  deleteVectorsOfOtherSpaces,
  findDocumentToEmbed,
  findOwnerId,
  listAveesToEmbed,
  markEmbedded,
} from '../store/vectors.ts'
import { embedMissingPassages } from './write.ts'

/** The interval of checks for a new embedding model. */
const everyMs = 60_000
/** Timeout of the embedding model; the next check retries. */
const modelTimeoutMs = 5_000
const deletedPerStatement = 500

const kind = 'knowledge.embed-missing'

export type EmbeddingInput = { aveeId: string; space: string }

type EmbeddingDependencies = {
  database: Database
  runs: Runs
  jobs: Jobs
  embedder(signal: AbortSignal): Promise<Embedder | undefined>
  /** Returns the embedder that may receive the passages of an avee. */
  embedderFor(aveeId: string, signal: AbortSignal): Promise<Embedder | undefined>
  indexes: VectorIndexes
}

const embeddingModelUnavailable = defineError(
  503,
  'embedding_model_away',
  () => 'The embedding model is unavailable or has changed. The documents are embedded when it is back.',
)

/**
 * The run that embeds those documents of an avee that lack vectors of the current model. Meanwhile, search uses terms
 * and the vectors of the previous model.
 */
export function embeddingRunKind({
  database,
  embedderFor,
  indexes,
}: Omit<EmbeddingDependencies, 'runs' | 'jobs' | 'embedder'>): RunKind<EmbeddingInput> {
  const { db } = database
  async function work({ run, signal, emit }: RunContext<EmbeddingInput>): Promise<Completion> {
    const { aveeId, space } = run.input
    let documents = 0
    for (;;) {
      signal.throwIfAborted()
      const document = await findDocumentToEmbed(db, aveeId, space)
      if (!document) break
      const model = await embedderFor(aveeId, signal)
      if (model?.space !== space) throw embeddingModelUnavailable()
      let completed = 0
      await embedMissingPassages({ database, indexes }, model, document, signal, (count) => {
        completed += count
      })
      await markEmbedded(db, document.version, space)
      documents += 1
      await emit({
        message: `Embedded ${document.title}`,
        stage: 'embed',
        completed,
        total: document.passages,
      })
    }
    while (await deleteVectorsOfOtherSpaces(db, aveeId, space, deletedPerStatement)) signal.throwIfAborted()
    return { event: { done: true, documents } }
  }
  return {
    work,
    close: async (_run, closing) =>
      closing.status === 'stopped' ? { event: 'stopped' } : { error: closing.error },
  }
}

/** Schedules the embedding runs: one per avee and model while documents lack vectors. Returns a function that checks now. */
export function scheduleEmbedding({
  database,
  runs,
  jobs,
  embedder,
  embedderFor,
}: Omit<EmbeddingDependencies, 'indexes'>): () => Promise<void> {
  jobs.register(kind, {
    everyMs,
    async run(_, context) {
      const signal = AbortSignal.any([context.signal, AbortSignal.timeout(modelTimeoutMs)])
      // If a model server cannot be reached, the models module reports it.
      const model = await embedder(signal).catch(() => undefined)
      if (!model) return
      for (const aveeId of await listAveesToEmbed(database.db, model.space)) {
        const userId = await findOwnerId(database.db, aveeId)
        context.signal.throwIfAborted()
        if (userId === undefined || !(await embedderFor(aveeId, signal))) continue
        await runs.start<EmbeddingInput>({
          kind: 'index',
          userId,
          subject: `${model.space} ${aveeId}`,
          scope: aveeId,
          input: { aveeId, space: model.space },
        })
      }
    },
  })
  return () => jobs.runNow(kind)
}
