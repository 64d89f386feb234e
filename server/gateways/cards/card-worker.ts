import { readFileSync, statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { type Entry, openPromise } from 'yauzl'
import { exceedsDepth } from '../../http/json-body.ts'
import { type CardData, parseCard } from './card.ts'
import { decodePng, encodePng, isPng, readChunks, textsOf, toSquare, writeChunks } from './png.ts'

/** A parsed card. `portrait` is a data: URL; `problem` is the reason if there is none. */
export type ReadCard = { card: CardData; portrait: string | null; problem: string | null }
/** The result of the worker: the card, or why it cannot be read. */
export type CardAnswer = ReadCard | { reason: string }

const maxFileBytes = 64 * 1024 * 1024
const maxJsonBytes = 8 * 1024 * 1024
const maxPortraitBytes = 16 * 1024 * 1024
const maxEntries = 5_000
const maxDepth = 100
/** The edge of an avatar in pixels, and the largest file of one in bytes. */
const avatarSize = 256
const maxAvatarBytes = 290_000

/** Reads a character card. It runs in a worker, because unpacking an image takes long. */
async function readCard(path: string): Promise<CardAnswer> {
  if (statSync(path).size > maxFileBytes) throw new Error('it is too large.')
  const bytes = readFileSync(path)
  if (isPng(bytes)) return readPng(bytes)
  if (bytes.subarray(0, 2).toString('latin1') === 'PK') return await readCharx(path)
  return withPortrait(parse(bytes), undefined)
}

function readPng(bytes: Buffer): ReadCard {
  const texts = textsOf(readChunks(bytes))
  const encoded = texts.get('ccv3') ?? texts.get('chara')
  if (encoded === undefined) throw new Error('the image contains no card.')
  return withPortrait(parse(Buffer.from(encoded, 'base64')), bytes)
}

/** A ZIP archive with card.json and the files that its assets name. */
async function readCharx(path: string): Promise<ReadCard> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false })
  if (zip.entryCount > maxEntries) throw new Error('the archive has too many files.')
  const entries = new Map<string, Entry>()
  for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry)
  const unpack = async (name: string, maxBytes: number): Promise<Buffer | undefined> => {
    const entry = entries.get(name)
    if (!entry) return undefined
    if (entry.isEncrypted()) throw new Error('the archive is encrypted.')
    const parts: Buffer[] = []
    let size = 0
    for await (const part of await zip.openReadStreamPromise(entry)) {
      size += (part as Buffer).length
      if (size > maxBytes) throw new Error(`${name} is too large.`)
      parts.push(part as Buffer)
    }
    return Buffer.concat(parts)
  }
  const json = await unpack('card.json', maxJsonBytes)
  if (!json) throw new Error('the archive contains no card.json.')
  const card = parse(json)
  const embedded = /^embedd?ed:\/\/(.+)$/.exec(iconOf(card) ?? '')?.[1]
  return withPortrait(card, embedded === undefined ? undefined : await unpack(embedded, maxPortraitBytes))
}

function parse(json: Buffer): CardData {
  if (json.length > maxJsonBytes) throw new Error('its JSON is too large.')
  const text = json.toString('utf8').replace(/^\uFEFF/, '')
  if (exceedsDepth(text, maxDepth)) throw new Error(`its JSON has more than ${maxDepth} levels of nesting.`)
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new Error('its JSON is malformed.')
  }
  const card = parseCard(parsed)
  if (!card) throw new Error('it has no name.')
  return card
}

const iconOf = ({ assets }: CardData): string | undefined =>
  (
    assets.find(({ type, name }) => type === 'icon' && name === 'main') ??
    assets.find(({ type }) => type === 'icon')
  )?.uri

function withPortrait(card: CardData, image: Buffer | undefined): ReadCard {
  const icon = iconOf(card) ?? ''
  const inCard = /^data:image\/\w+;base64,([\w+/]+=*)$/.exec(icon)?.[1]
  const bytes = inCard === undefined ? image : Buffer.from(inCard, 'base64')
  if (bytes === undefined || bytes.length === 0)
    return {
      card,
      portrait: null,
      problem: /^https?:/.test(icon) ? 'The portrait is on another server.' : null,
    }
  try {
    return { card, portrait: toAvatar(bytes), problem: null }
  } catch (error) {
    return { card, portrait: null, problem: `The portrait was not imported: ${(error as Error).message}` }
  }
}

/** Returns an image as a data: URL, a PNG as a thumbnail. */
function toAvatar(bytes: Buffer): string {
  if (isPng(bytes)) {
    const avatar = writeChunks(encodePng(toSquare(decodePng(readChunks(bytes)), avatarSize)))
    return `data:image/png;base64,${avatar.toString('base64')}`
  }
  const start = bytes.toString('latin1', 0, 12)
  const type = start.startsWith('\xff\xd8\xff')
    ? 'jpeg'
    : start.startsWith('RIFF') && start.endsWith('WEBP')
      ? 'webp'
      : start.startsWith('GIF8')
        ? 'gif'
        : undefined
  if (type === undefined) throw new Error('its format is not supported.')
  if (bytes.length > maxAvatarBytes) throw new Error('it is too large.')
  return `data:image/${type};base64,${bytes.toString('base64')}`
}

const answer = await readCard(workerData as string).catch((error: unknown) => ({
  reason: (error as Error).message,
}))
parentPort?.postMessage(answer satisfies CardAnswer)
