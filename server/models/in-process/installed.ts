import { existsSync } from 'node:fs'
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { type CatalogueEntry, catalogueEntry } from '../../../contract/models.ts'
import { sizeOf } from './catalogue.ts'
import { type GgufHeader, readGgufHeader } from './llama/gguf.ts'
import type { EngineModel } from './worker.ts'

/** A model on the disk of the server. */
export type InstalledModel = {
  id: string
  kind: CatalogueEntry['kind']
  dimensions: number | null
  size: number
  /** The SHA-256 of the model's file in the catalogue; null for a file that was added to the directory manually. */
  digest: string | null
  installedAt: string
} & (({ format: 'onnx' } & EngineModel) | { format: 'gguf'; file: string; header: GgufHeader })

/** The file with the catalogue's entry, in the folder of an installed model. */
const entryFile = 'model.json'
const unfinished = '.part'
/** The characters of ids in a catalogue. */
const maxIdCharacters = 80

/** Headers of GGUF files by path, size and time, because reading the vocabulary in them takes milliseconds. */
export type HeaderCache = Map<string, Promise<GgufHeader>>

/** Lists the models below a directory by id, with the GGUF files that cannot be used. */
export async function listInstalled(
  directory: string,
  headers: HeaderCache = new Map(),
): Promise<{ models: InstalledModel[]; problems: string[] }> {
  const names = await readdir(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const problems: string[] = []
  const all = await Promise.all(
    names
      .filter((name) => !name.endsWith(unfinished))
      .sort()
      .map(async (name) => {
        const place = path.join(directory, name)
        try {
          return name.endsWith('.gguf')
            ? await readFileModel(place, headers)
            : await readInstalled(place, headers)
        } catch (error) {
          problems.push(`${name} cannot be used: ${(error as Error).message}.`)
          return undefined
        }
      }),
  )
  return { models: all.filter((model) => model !== undefined), problems }
}

async function readHeader(file: string, headers: HeaderCache): Promise<GgufHeader> {
  const { size, mtimeMs } = await stat(file)
  const key = `${file} ${size} ${mtimeMs}`
  const header = headers.get(key) ?? readGgufHeader(file)
  headers.set(key, header)
  return await header
}

/** Describes a GGUF file that was added to the directory manually. */
async function readFileModel(file: string, headers: HeaderCache): Promise<InstalledModel> {
  const [header, { size, mtime }] = await Promise.all([readHeader(file, headers), stat(file)])
  return {
    format: 'gguf',
    id: path
      .basename(file, '.gguf')
      .toLowerCase()
      .replaceAll(/[^a-z0-9._-]+/g, '-')
      .replace(/^[._-]+/, '')
      .slice(0, maxIdCharacters),
    kind: header.isEmbedding ? 'embedding' : 'chat',
    file,
    header,
    dimensions: header.isEmbedding ? header.embeddingLength : null,
    size,
    digest: null,
    installedAt: mtime.toISOString(),
  }
}

async function readEntry(file: string): Promise<CatalogueEntry | undefined> {
  try {
    return catalogueEntry.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    // Not a model, or one that is currently deleted.
    return undefined
  }
}

async function readInstalled(folder: string, headers: HeaderCache): Promise<InstalledModel | undefined> {
  const file = path.join(folder, entryFile)
  const entry = await readEntry(file)
  if (!entry) return undefined
  const found = entry.files.find((each) => /\.(?:onnx|gguf)$/.test(each.path))
  const model = found?.path ?? ''
  const common = {
    id: entry.id,
    kind: entry.kind,
    dimensions: entry.dimensions ?? null,
    size: sizeOf(entry),
    digest: found?.sha256 ?? null,
    installedAt: (await stat(file)).mtime.toISOString(),
  }
  if (model.endsWith('.gguf')) {
    const gguf = path.join(folder, model)
    return { ...common, format: 'gguf', file: gguf, header: await readHeader(gguf, headers) }
  }
  return {
    ...common,
    format: 'onnx',
    folder,
    onnx: model,
    maxTokens: entry.max_tokens,
    pooling: entry.pooling ?? 'mean',
  }
}

/** The folder for the files of an unfinished download. */
export const unfinishedFolder = (directory: string, id: string): string =>
  path.join(directory, `${id}${unfinished}`)

/** Installs the files of a finished download. */
export async function install(directory: string, entry: CatalogueEntry): Promise<void> {
  const from = unfinishedFolder(directory, entry.id)
  await writeFile(path.join(from, entryFile), JSON.stringify(entry, null, 2))
  const to = path.join(directory, entry.id)
  await rm(to, { recursive: true, force: true })
  await rename(from, to)
}

/** Deletes a model and its unfinished download. Returns whether there was either. */
export async function remove(
  directory: string,
  id: string,
  installed: InstalledModel | undefined,
): Promise<boolean> {
  const file = installed?.format === 'gguf' ? [installed.file] : []
  const found = [...file, path.join(directory, id), unfinishedFolder(directory, id)].filter((place) =>
    existsSync(place),
  )
  for (const place of found) await rm(place, { recursive: true })
  return found.length > 0
}

const modelConfig = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  hidden_size: z.int().positive().nullish(),
  max_position_embeddings: z.int().positive().nullish(),
})
const poolingConfig = z.looseObject({ pooling_mode_cls_token: z.boolean().nullish() })

/** Describes a model in a folder with the layout of a hub, by its configuration. */
export async function describeFolder(
  folder: string,
): Promise<EngineModel & { kind: 'embedding' | 'reranking' }> {
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
