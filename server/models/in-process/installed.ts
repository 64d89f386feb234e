import { existsSync } from 'node:fs'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { type CatalogueEntry, catalogueEntry } from '../../../contract/models.ts'
import { sizeOf } from './catalogue.ts'
import type { EngineModel } from './worker.ts'

/** A model on the disk of the server. */
export type InstalledModel = EngineModel & {
  id: string
  kind: CatalogueEntry['kind']
  dimensions: number | null
  size: number
  installedAt: string
}

/** The catalogue's entry, in the folder of an installed model. */
const entryFile = 'model.json'
const unfinished = '.part'

/** Lists the models below a directory, by id. */
export async function listInstalled(directory: string): Promise<InstalledModel[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const all = await Promise.all(
    names
      .filter((name) => !name.endsWith(unfinished))
      .sort()
      .map((name) => readInstalled(path.join(directory, name))),
  )
  return all.filter((model) => model !== undefined)
}

async function readInstalled(folder: string): Promise<InstalledModel | undefined> {
  const file = path.join(folder, entryFile)
  try {
    const entry = catalogueEntry.parse(JSON.parse(await readFile(file, 'utf8')))
    return {
      id: entry.id,
      kind: entry.kind,
      folder,
      onnx: entry.files.find((each) => each.path.endsWith('.onnx'))?.path ?? '',
      maxTokens: entry.max_tokens,
      pooling: entry.pooling ?? 'mean',
      dimensions: entry.dimensions ?? null,
      size: sizeOf(entry),
      installedAt: (await stat(file)).mtime.toISOString(),
    }
  } catch {
    // Something else, or a model that is being deleted.
    return undefined
  }
}

/** The folder where a download of a model collects its files. */
export const unfinishedFolder = (directory: string, id: string): string =>
  path.join(directory, `${id}${unfinished}`)

/** Makes the files of a finished download an installed model. */
export async function install(directory: string, entry: CatalogueEntry): Promise<void> {
  const from = unfinishedFolder(directory, entry.id)
  await writeFile(path.join(from, entryFile), JSON.stringify(entry, null, 2))
  const to = path.join(directory, entry.id)
  await rm(to, { recursive: true, force: true })
  await rename(from, to)
}

/** Deletes a model and what an unfinished download has left. Returns whether there was anything. */
export async function remove(directory: string, id: string): Promise<boolean> {
  const found = [path.join(directory, id), unfinishedFolder(directory, id)].filter((folder) =>
    existsSync(folder),
  )
  for (const folder of found) await rm(folder, { recursive: true })
  return found.length > 0
}

const modelConfig = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  hidden_size: z.int().positive().nullish(),
  max_position_embeddings: z.int().positive().nullish(),
})
const poolingConfig = z.looseObject({ pooling_mode_cls_token: z.boolean().nullish() })

/** Describes a model in a folder as a hub lays it out, by its own configuration. */
export async function describeFolder(
  folder: string,
): Promise<EngineModel & { kind: InstalledModel['kind'] }> {
  const json = async (name: string) => JSON.parse(await readFile(path.join(folder, name), 'utf8')) as unknown
  const config = modelConfig.parse(await json('config.json'))
  const pooling = poolingConfig.parse(await json('1_Pooling/config.json').catch(() => ({})))
  const names = ['model_quantized.onnx', 'model.onnx'].flatMap((name) => [`onnx/${name}`, name])
  const onnx = await firstExisting(folder, names)
  return {
    folder,
    onnx,
    kind: config.architectures?.some((name) => name.endsWith('SequenceClassification'))
      ? 'reranking'
      : 'embedding',
    // RoBERTa reserves two positions.
    maxTokens: Math.min(512, config.max_position_embeddings ?? 512),
    pooling: pooling.pooling_mode_cls_token ? 'cls' : 'mean',
  }
}

async function firstExisting(folder: string, names: string[]): Promise<string> {
  for (const name of names) if (await stat(path.join(folder, name)).catch(() => undefined)) return name
  throw new Error(`${folder} has none of ${names.join(', ')}.`)
}
