import { access, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { type CatalogueEntry, catalogueEntry } from '../../../contract/models.ts'
import { invalidCatalogue } from '../errors.ts'
import { curatedModels } from './curated-models.ts'

const maxEntries = 1_000
const catalogueFile = z.array(catalogueEntry).max(maxEntries)

/**
 * Returns the models that can be downloaded: the curated ones, and those of `catalogue.json` in `modelDir`, which
 * override curated ones with the same id. @throws invalid_catalogue
 */
export async function readCatalogue(modelDir: string | undefined): Promise<CatalogueEntry[]> {
  const added = modelDir === undefined ? [] : await readAdded(path.join(modelDir, 'catalogue.json'))
  const ids = new Set(added.map(({ id }) => id))
  return [...curatedModels.filter(({ id }) => !ids.has(id)), ...added]
}

async function readAdded(file: string): Promise<CatalogueEntry[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw invalidCatalogue(file, (error as Error).message)
  }
  try {
    return catalogueFile.parse(JSON.parse(text))
  } catch (error) {
    throw invalidCatalogue(
      file,
      error instanceof z.ZodError ? z.prettifyError(error) : 'It is not valid JSON.',
    )
  }
}

export const sizeOf = ({ files }: CatalogueEntry): number => files.reduce((sum, { size }) => sum + size, 0)

/** Returns the folder of `modelDir` that contains all files of a model, if there is one. */
export async function findInFolder(
  modelDir: string | undefined,
  { id, repository, files }: CatalogueEntry,
): Promise<string | undefined> {
  if (modelDir === undefined) return undefined
  for (const folder of [path.join(modelDir, id), path.join(modelDir, repository)]) {
    const missing = await Promise.all(
      files.map((file) =>
        access(path.join(folder, file.path)).then(
          () => false,
          () => true,
        ),
      ),
    )
    if (!missing.includes(true)) return folder
  }
  return undefined
}

/** Returns the address of the files of a model on a hub. */
export const hubAddress = (hubUrl: string, { repository, revision }: CatalogueEntry): string =>
  `${hubUrl}/${repository}/resolve/${revision}`
