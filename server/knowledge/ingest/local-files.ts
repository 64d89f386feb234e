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

/** Copies a file of a watched folder, because it may change while it is parsed. @throws file_unreadable */
export async function copyFromFolder(
  files: Originals,
  { root, path }: WatchedFile,
): Promise<{ staged: StagedFile; content: FileContent }> {
  const staged = await files.stage(await openFileWithin(root, path))
  const { sha256, bytes } = staged
  const sourceUrl = pathToFileURL(join(root, path)).href
  return { staged, content: { sha256, bytes, readAs: path, title: null, sourceUrl } }
}

/** Moves staged files, by their index in the run, to the originals, which the run protects. */
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

/** The outcome of a file, by its index in the run. */
type Outcome = { index: number; documentId: string | null; problem: string | null }

/** Records the outcomes of files and ends the protection of their originals, in the transaction of their results. */
export async function recordOutcomes(
  trx: Trx,
  run: RunRecord<IngestInput>,
  outcomes: Outcome[],
): Promise<void> {
  const indexes = outcomes.map(({ index }) => index)
  await unpinOriginals(trx, run.id, indexes)
  await recordInFolder(trx, run, outcomes)
}

/** Records the outcomes of files of a watched folder. */
export async function recordInFolder(
  trx: Trx,
  { input }: RunRecord<IngestInput>,
  outcomes: Outcome[],
): Promise<void> {
  const found = outcomes.flatMap(({ index, ...outcome }) => {
    const file = input.files[index]
    return file && 'local' in file && file.local ? [{ ...file.local, ...outcome }] : []
  })
  if (input.folder && found.length > 0) await upsertFolderFiles(trx, input.folder.id, found)
}
