import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { CatalogueEntry } from '../../../contract/models.ts'
import type { DiskSpace } from '../../disk-space.ts'
import type { EventBody } from '../../runs/index.ts'
import { fileDiffers, truncated } from '../errors.ts'
import { readBody, ServiceError, sendRequest } from '../upstream/request.ts'
import type { ModelService } from '../upstream/service.ts'
import { watchTimeouts } from '../upstream/timeouts.ts'
import { findInFolder, sizeOf } from './catalogue.ts'
import { install, unfinishedFolder } from './installed.ts'

const timeouts = { firstTokenMs: 60_000, stallMs: 60_000 }

type Place = { directory: string; hub: ModelService; modelDir: string | undefined; disk: DiskSpace }
type File = CatalogueEntry['files'][number]

/**
 * Downloads a model, from `modelDir` or otherwise from the hub, and yields progress in Ollama's format. Continues an
 * earlier attempt. No file may exceed its size in the catalogue.
 * @throws insufficient_storage, file_differs, and the errors of a model service
 */
export async function* downloadModel(
  entry: CatalogueEntry,
  { directory, hub, modelDir, disk }: Place,
  signal: AbortSignal,
): AsyncGenerator<EventBody> {
  yield { status: 'pulling manifest' }
  const folder = unfinishedFolder(directory, entry.id)
  await mkdir(folder, { recursive: true })
  await disk.assertFree(sizeOf(entry) - (await storedBytes(folder, entry)))
  const source = await findInFolder(modelDir, entry)
  for (const file of entry.files) {
    const target = path.join(folder, file.path)
    await mkdir(path.dirname(target), { recursive: true })
    const open = (from: number) =>
      source === undefined
        ? fetchFrom(hub, `/${entry.repository}/resolve/${entry.revision}/${file.path}`, from, signal)
        : copyFrom(path.join(source, file.path), from)
    for await (const completed of complete(file, target, open, hub))
      yield { status: `pulling ${file.path}`, digest: `sha256:${file.sha256}`, total: file.size, completed }
    signal.throwIfAborted()
  }
  yield { status: 'verifying sha256 digest' }
  for (const file of entry.files)
    await verify(file, path.join(folder, file.path), source ?? hub.address, signal)
  yield { status: 'writing manifest' }
  await install(directory, entry)
  yield { status: 'success' }
}

const sizeOnDisk = async (file: string): Promise<number> =>
  (await stat(file).catch(() => undefined))?.size ?? 0

async function storedBytes(folder: string, { files }: CatalogueEntry): Promise<number> {
  const sizes = await Promise.all(files.map(({ path: name }) => sizeOnDisk(path.join(folder, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

type Source = { from: number; body: AsyncIterable<Uint8Array> }

/** Appends to a file until it is complete, and yields its size after each part. */
async function* complete(
  file: File,
  target: string,
  open: (from: number) => Promise<Source>,
  hub: ModelService,
): AsyncGenerator<number> {
  const stored = await sizeOnDisk(target)
  if (stored === file.size) return yield stored
  const { from, body } = await open(stored < file.size ? stored : 0)
  await using handle = await openAt(target, from)
  let completed = from
  yield completed
  for await (const chunk of body) {
    completed += chunk.length
    if (completed > file.size) break
    await handle.writeFile(chunk)
    yield completed
  }
  if (completed > file.size) {
    await rm(target)
    throw fileDiffers(file.path, hub.address)
  }
  if (completed < file.size) throw truncated(hub)
  await handle.sync()
}

async function openAt(target: string, from: number): Promise<FileHandle> {
  const handle = await open(target, from > 0 ? 'r+' : 'w')
  await handle.truncate(from)
  await handle.close()
  return await open(target, 'a')
}

/** Requests a file from an offset. A hub that ignores the offset sends all of it. */
async function fetchFrom(
  hub: ModelService,
  path: string,
  from: number,
  signal: AbortSignal,
): Promise<Source> {
  const watching = watchTimeouts(hub, timeouts)
  const all = AbortSignal.any([signal, watching.signal])
  const request = (start: number) =>
    sendRequest(hub, {
      path,
      headers: { 'accept-encoding': 'identity', ...(start > 0 && { range: `bytes=${start}-` }) },
      redirect: 'follow',
      signal: all,
    })
  watching.startWaiting()
  const response = await request(from).catch((error: unknown) => {
    const isBeyondEnd = error instanceof ServiceError && error.upstreamStatus === 416
    if (isBeyondEnd) return request(0)
    watching.stop()
    throw error
  })
  async function* body() {
    try {
      for await (const chunk of readBody(response, hub, all)) {
        watching.received()
        yield chunk
        watching.startWaiting()
      }
    } finally {
      watching.stop()
    }
  }
  return { from: response.statusCode === 206 ? from : 0, body: body() }
}

async function copyFrom(file: string, from: number): Promise<Source> {
  return { from, body: createReadStream(file, { start: from }) as AsyncIterable<Buffer> }
}

/** Deletes a file that differs from the catalogue, so that the next attempt starts again. */
async function verify(file: File, target: string, source: string, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(target), hash, { signal })
  if (hash.digest('hex') === file.sha256) return
  await rm(target)
  throw fileDiffers(file.path, source)
}
