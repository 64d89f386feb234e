import path from 'node:path'
import { withPrefix } from '../server/models/embeddings/prefixes.ts'
import type { Engine } from '../server/models/in-process/engine.ts'
import { describeFolder } from '../server/models/in-process/installed.ts'
import type { Embedder } from '../server/models/index.ts'

/** Returns the embedding model in a folder, with the prefixes of its name. */
export async function folderEmbedder(engine: Engine, folder: string): Promise<Embedder> {
  const model = await describeFolder(folder)
  const name = path.basename(path.resolve(folder))
  return {
    space: `bench/${name}`,
    remote: false,
    embed: (texts, purpose, signal) =>
      engine.embed(
        model,
        texts.map((text) => withPrefix(name, text, purpose)),
        signal,
      ),
  }
}

/** Returns the scores of the cross-encoder in a folder. */
export async function folderReranker(engine: Engine, folder: string) {
  const model = await describeFolder(folder)
  return (query: string, texts: string[], signal: AbortSignal) => engine.score(model, query, texts, signal)
}
