import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Trx } from '../../db/index.ts'
import type { RunRecord } from '../../runs/index.ts'
import type { Originals, StagedFile } from '../files.ts'
import { openFileWithin } from '../folders/open-within.ts'
import { upsertFolderFiles } from '../store/folders.ts'
import { pinOriginals, unpinOriginals } from '../store/ingest-files.ts'
import type { IngestDependencies } from './dependencies.ts'
import type { IngestInput, WatchedFile } from './input.ts'
import type { FileContent } from './read-ahead.ts'

/** Copies a file of a watched folder, as it may change while it is parsed. @throws file_unreadable */
export async function copyFromFolder(
  files: Originals,
  { root, path }: WatchedFile,
): Promise<{ staged: StagedFile; content: FileContent }> {
  const staged = await files.stage(await openFileWithin(root, path))
  const { sha256, bytes } = staged
  const sourceUrl = pathToFileURL(join(root, path)).href
  return { staged, content: { sha256, bytes, readAs: path, title: null, sourceUrl } }
}

/** Moves staged files among the originals, protected by the run, by their index in it. */
export async function keepOriginals(
  { files, database }: Pick<IngestDependencies, 'files' | 'database'>,
  runId: string,
  copies: { index: number; staged: StagedFile }[],
): Promise<void> {
  const staged = copies.map((copy) => copy.staged)
  try {
    await database.transaction(async (trx) => {
      await pinOriginals(
        trx,
        runId,
        copies.map(({ index, staged: { sha256 } }) => ({ index, sha256 })),
      )
      await files.keep(staged)
    })
  } catch (error) {
    await Promise.all(staged.map(files.discard))
    throw error
  }
}

/** Records the outcomes of files, in the transaction of their results. */
export async function recordOutcomes(
  trx: Trx,
  { id, input }: RunRecord<IngestInput>,
  outcomes: { index: number; documentId: string | null; problem: string | null }[],
): Promise<void> {
  const indexes = outcomes.map(({ index }) => index)
  await unpinOriginals(trx, id, indexes)
  const found = outcomes.flatMap(({ index, ...outcome }) => {
    const file = input.files[index]
    return file && 'local' in file && file.local ? [{ ...file.local, ...outcome }] : []
  })
  if (input.folder && found.length > 0) await upsertFolderFiles(trx, input.folder.id, found)
}
