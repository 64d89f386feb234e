import { open, readFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import type { Log } from '../../log.ts'
import type { ChatImage } from '../../models/index.ts'
import { fairSemaphore } from '../parsers/fair-semaphore.ts'
import type { DocumentParser } from '../parsers/index.ts'
import { maxHeaderBytes, type PictureFormat, pictureFormat } from './picture-format.ts'
import type { ConversionTask, Converted } from './worker.ts'

/** A decoded picture takes four bytes per pixel. */
export const maxPixels = 50_000_000
/** Pictures that every provider accepts unchanged: these formats, up to this size. */
const plainTypes: Partial<Record<PictureFormat['type'], string>> = { png: 'image/png', jpg: 'image/jpeg' }
const maxPlainBytes = 3 * 1024 * 1024
const timeoutMs = 30_000
/** Timeout for drawing a page; a page that takes longer is omitted. */
const drawTimeoutMs = 10_000
const maxConversions = 2
const maxCachedCharacters = 32 * 1024 * 1024
/** Anthropic's estimate of the tokens of a picture; others take about as many or fewer. */
const pixelsPerToken = 750

/** A page of a PDF, from 1; with `onlyGraphical`, only if it has pictures or drawings. */
type PageSource = { sha256: string; page: number; onlyGraphical: boolean }

/** A picture for a model, with its estimated tokens. */
export type ModelPicture = { image: ChatImage; tokens: number }

/** Reads format and size of a file; undefined if it is not a picture that models accept. */
export async function readPictureFormat(path: string): Promise<PictureFormat | undefined> {
  await using file = await open(path)
  const head = Buffer.alloc(maxHeaderBytes)
  const { bytesRead } = await file.read(head, 0, maxHeaderBytes, 0)
  return pictureFormat(head.subarray(0, bytesRead))
}

/** Converts pictures and pages for models: upright, at most `maxEdge` pixels wide and high, and as PNG or JPEG. */
export function modelPictures({
  pathOf,
  parser,
  log,
}: {
  pathOf(sha256: string): string
  parser: Pick<DocumentParser, 'draw'>
  log: Log
}) {
  const permits = fairSemaphore(maxConversions)
  const cache = new LRUCache<string, ModelPicture>({
    maxSize: maxCachedCharacters,
    sizeCalculation: ({ image }) => image.data.length,
  })

  const tokensOf = (width: number, height: number) => Math.ceil((width * height) / pixelsPerToken)

  async function draw(
    { sha256, page, onlyGraphical }: PageSource,
    maxEdge: number,
    signal: AbortSignal,
  ): Promise<ModelPicture | undefined> {
    const drawn = await parser.draw({ path: pathOf(sha256), page, maxEdge, onlyGraphical }, signal)
    return (
      drawn && {
        image: { mediaType: 'image/jpeg', data: Buffer.from(drawn.jpeg).toString('base64') },
        tokens: tokensOf(drawn.width, drawn.height),
      }
    )
  }

  async function read(sha256: string, maxEdge: number): Promise<ModelPicture | undefined> {
    const path = pathOf(sha256)
    const format = await readPictureFormat(path)
    if (!format || format.width * format.height > maxPixels) return undefined
    const scale = Math.min(1, maxEdge / Math.max(format.width, format.height))
    const [width, height] = [format.width, format.height].map((edge) => Math.max(1, Math.round(edge * scale)))
    const tokens = tokensOf(width ?? 1, height ?? 1)
    const mediaType = plainTypes[format.type]
    if (mediaType && scale === 1 && format.orientation === 1) {
      const bytes = await readFile(path)
      if (bytes.length <= maxPlainBytes)
        return { image: { mediaType, data: bytes.toString('base64') }, tokens }
    }
    const image = await convert({
      path,
      width: width ?? 1,
      height: height ?? 1,
      orientation: format.orientation,
      isPhoto: format.type === 'jpg',
    })
    return { image, tokens }
  }

  /** Returns a picture, or a page of a PDF, for a model; undefined if it cannot be read. */
  return async (
    source: { sha256: string; userId: string; page?: Pick<PageSource, 'page' | 'onlyGraphical'> },
    maxEdge: number,
    signal: AbortSignal,
  ): Promise<ModelPicture | undefined> => {
    const { sha256, userId, page } = source
    const key = `${sha256} ${page?.page ?? ''} ${maxEdge}`
    const known = cache.get(key)
    if (known) return known
    await permits.acquire(userId, signal)
    try {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(drawTimeoutMs)])
      const picture = page ? await draw({ sha256, ...page }, maxEdge, limited) : await read(sha256, maxEdge)
      if (picture) cache.set(key, picture)
      return picture
    } catch (error) {
      signal.throwIfAborted()
      log.warn({ err: error }, 'a picture could not be read; it is left out of the prompt')
      return undefined
    } finally {
      permits.release(userId)
    }
  }
}

/** Converts in a separate worker, with a timeout. */
async function convert(task: ConversionTask): Promise<Converted> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task, execArgv: [] })
  const timeout = setTimeout(() => void worker.terminate(), timeoutMs)
  try {
    return await new Promise<Converted>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => reject(new Error('The picture took too long to decode.')))
    })
  } finally {
    clearTimeout(timeout)
    await worker.terminate()
  }
}
