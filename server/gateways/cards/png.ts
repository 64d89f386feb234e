import { crc32, deflateSync, inflateSync } from 'node:zlib'

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

export type Chunk = { type: string; data: Buffer }

export const isPng = (bytes: Buffer): boolean => bytes.subarray(0, 8).equals(signature)

/** Returns the chunks of a PNG file up to IEND. @throws Error with a sentence when the file is damaged */
export function readChunks(bytes: Buffer): Chunk[] {
  const chunks: Chunk[] = []
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const type = bytes.toString('latin1', at + 4, at + 8)
    const end = at + 8 + length
    if (end + 4 > bytes.length || !/^[A-Za-z]{4}$/.test(type)) throw new Error('the image is truncated.')
    if (crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end))
      throw new Error('a checksum of the image is wrong.')
    chunks.push({ type, data: bytes.subarray(at + 8, end) })
    if (type === 'IEND') return chunks
    at = end + 4
  }
  throw new Error('the image is incomplete.')
}

export function writeChunks(chunks: Chunk[]): Buffer {
  const parts = chunks.flatMap(({ type, data }) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const frame = Buffer.alloc(8)
    frame.writeUInt32BE(data.length, 0)
    frame.writeUInt32BE(crc32(body), 4)
    return [frame.subarray(0, 4), body, frame.subarray(4)]
  })
  return Buffer.concat([signature, ...parts])
}

/** Returns the texts of tEXt chunks by their keywords in lower case. */
export function textsOf(chunks: Chunk[]): Map<string, string> {
  const texts = new Map<string, string>()
  for (const { type, data } of chunks) {
    const end = data.indexOf(0)
    if (type === 'tEXt' && end > 0)
      texts.set(data.toString('latin1', 0, end).toLowerCase(), data.toString('latin1', end + 1))
  }
  return texts
}

export const textChunk = (keyword: string, text: string): Chunk => ({
  type: 'tEXt',
  data: Buffer.from(`${keyword}\0${text}`, 'latin1'),
})

/** Red, green, blue and alpha of each pixel, row by row. */
export type Pixels = { width: number; height: number; rgba: Uint8Array }

/** Limits the memory of a decoded image to 64 MB. */
const maxPixels = 16_000_000
/** The samples of a pixel by colour type (PNG specification, 11.2.1). */
const samplesOf: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/** Decodes an image without interlacing of 8 or 16 bits a sample, or with a palette. @throws Error with a sentence */
export function decodePng(chunks: Chunk[]): Pixels {
  const header = chunks[0]
  if (header?.type !== 'IHDR' || header.data.length !== 13) throw new Error('the image has no header.')
  const [width, height] = [header.data.readUInt32BE(0), header.data.readUInt32BE(4)]
  const [depth = 0, colour = 0, , , interlace] = header.data.subarray(8)
  const samples = samplesOf[colour]
  const isPalette = colour === 3
  const isDepthKnown = depth === 8 || (depth === 16 && !isPalette) || (isPalette && [1, 2, 4].includes(depth))
  if (samples === undefined || !isDepthKnown || interlace !== 0)
    throw new Error('the image has an unsupported PNG format.')
  if (width === 0 || height === 0 || width * height > maxPixels) throw new Error('the image is too large.')

  const bytesPerPixel = Math.max(1, (samples * depth) / 8)
  const rowBytes = Math.ceil((width * samples * depth) / 8)
  const packed = Buffer.concat(chunks.flatMap(({ type, data }) => (type === 'IDAT' ? [data] : [])))
  const raw = inflateSync(packed, { maxOutputLength: (rowBytes + 1) * height })
  if (raw.length !== (rowBytes + 1) * height) throw new Error('the image is incomplete.')
  unfilter(raw, rowBytes, height, bytesPerPixel)

  const palette = chunks.find(({ type }) => type === 'PLTE')?.data ?? Buffer.alloc(0)
  const alphas = chunks.find(({ type }) => type === 'tRNS')?.data ?? Buffer.alloc(0)
  const rgba = new Uint8Array(width * height * 4)
  const step = depth / 8
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const row = y * (rowBytes + 1) + 1
      const to = (y * width + x) * 4
      if (isPalette) {
        const bit = x * depth
        const index = ((raw[row + (bit >> 3)] ?? 0) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
        for (let i = 0; i < 3; i += 1) rgba[to + i] = palette[index * 3 + i] ?? 0
        rgba[to + 3] = alphas[index] ?? 255
        continue
      }
      const sample = (i: number) => raw[row + (x * samples + i) * step] ?? 0
      for (let i = 0; i < 3; i += 1) rgba[to + i] = sample(samples < 3 ? 0 : i)
      rgba[to + 3] = samples % 2 === 0 ? sample(samples - 1) : 255
    }
  return { width, height, rgba }
}

/** Reverses the filters of the rows in place (PNG specification, 9.2). */
function unfilter(raw: Buffer, rowBytes: number, height: number, bytesPerPixel: number): void {
  for (let y = 0; y < height; y += 1) {
    const start = y * (rowBytes + 1)
    const filter = raw[start]
    for (let i = 0; i < rowBytes; i += 1) {
      const at = start + 1 + i
      const left = i < bytesPerPixel ? 0 : (raw[at - bytesPerPixel] ?? 0)
      const up = y === 0 ? 0 : (raw[at - rowBytes - 1] ?? 0)
      const corner = y === 0 || i < bytesPerPixel ? 0 : (raw[at - rowBytes - 1 - bytesPerPixel] ?? 0)
      const predicted =
        filter === 1
          ? left
          : filter === 2
            ? up
            : filter === 3
              ? (left + up) >> 1
              : filter === 4
                ? paeth(left, up, corner)
                : 0
      raw[at] = (raw[at] ?? 0) + predicted
    }
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

/** Crops an image to a square at its top, where portraits have the face, and scales it to `size` by averaging. */
export function toSquare({ width, height, rgba }: Pixels, size: number): Pixels {
  const side = Math.min(width, height)
  const left = (width - side) >> 1
  const scaled = new Uint8Array(size * size * 4)
  const edge = (i: number) => Math.floor((i * side) / size)
  for (let y = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1) {
      const sums = [0, 0, 0, 0]
      let count = 0
      for (let v = edge(y); v < Math.max(edge(y + 1), edge(y) + 1); v += 1)
        for (let u = edge(x); u < Math.max(edge(x + 1), edge(x) + 1); u += 1) {
          const from = (v * width + left + u) * 4
          for (let i = 0; i < 4; i += 1) sums[i] = (sums[i] ?? 0) + (rgba[from + i] ?? 0)
          count += 1
        }
      for (let i = 0; i < 4; i += 1) scaled[(y * size + x) * 4 + i] = Math.round((sums[i] ?? 0) / count)
    }
  return { width: size, height: size, rgba: scaled }
}

export function encodePng({ width, height, rgba }: Pixels): Chunk[] {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6], 8)
  const rows = Buffer.alloc(height * (width * 4 + 1))
  for (let y = 0; y < height; y += 1) {
    const to = y * (width * 4 + 1)
    rows[to] = 1
    for (let i = 0; i < width * 4; i += 1) {
      const at = y * width * 4 + i
      rows[to + 1 + i] = (rgba[at] ?? 0) - (i < 4 ? 0 : (rgba[at - 4] ?? 0))
    }
  }
  return [
    { type: 'IHDR', data: header },
    { type: 'IDAT', data: deflateSync(rows, { level: 9 }) },
    { type: 'IEND', data: Buffer.alloc(0) },
  ]
}
