import type { Database } from '../../db/index.ts'
import type { Log } from '../../log.ts'
import type { Embedder } from '../../models/index.ts'

export type RecallDependencies = {
  database: Database
  log: Log
  embedder(signal: AbortSignal): Promise<Embedder | undefined>
  now: () => Date
}

/** Timeout of the embedding model, so that it does not delay the answer. */
const timeoutMs = 400

/** Returns the vector of a query and its space; undefined without an embedding model, or if it fails or times out. */
export async function embedQuery(
  { embedder, log }: RecallDependencies,
  { query, signal }: { query: string; signal: AbortSignal },
  { localOnly = false } = {},
): Promise<{ space: string; vector: Float32Array } | undefined> {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    const model = await embedder(timeout)
    if (!model || (localOnly && model.remote)) return undefined
    const [vector] = await model.embed([query], 'query', timeout)
    return vector && { space: model.space, vector }
  } catch (error) {
    signal.throwIfAborted()
    log.debug({ err: error }, 'the query could not be embedded; recall is lexical only')
    return undefined
  }
}
