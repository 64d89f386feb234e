import { crc32, deflateSync } from 'node:zlib'

/** Parses the size and pixels of a greyscale image in PGM format (P5). */
export function greyOf(file: Uint8Array): { width: number; height: number; pixels: Uint8Array } {
  const [header = '', width, height] =
    /^P5\n(\d+) (\d+)\n255\n/.exec(Buffer.from(file.subarray(0, 40)).toString('latin1')) ?? []
  return { width: Number(width), height: Number(height), pixels: file.subarray(header.length) }
}

const pgmOf = (width: number, height: number, pixels: Uint8Array) =>
  Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), pixels])

/** Turns a greyscale image by a quarter. */
export function sideways(file: Uint8Array): Buffer {
  const { width, height, pixels } = greyOf(file)
  const turned = new Uint8Array(pixels.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) turned[(width - 1 - x) * height + y] = pixels[y * width + x] ?? 0
  return pgmOf(height, width, turned)
}

/** Turns a greyscale image by a half. */
export function upsideDown(file: Uint8Array): Buffer {
  const { width, height, pixels } = greyOf(file)
  return pgmOf(width, height, pixels.toReversed())
}

/** Encodes a greyscale image as PNG. */
export function pngOf(file: Uint8Array): Buffer {
  const { width, height, pixels } = greyOf(file)
  const rows = Array.from({ length: height }, (_, y) =>
    Buffer.concat([Buffer.of(0), pixels.subarray(y * width, (y + 1) * width)]),
  )
  const size = Buffer.alloc(13)
  size.writeUInt32BE(width, 0)
  size.writeUInt32BE(height, 4)
  size.set([8, 0, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', size),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(named.length + 8)
  framed.writeUInt32BE(data.length, 0)
  framed.set(named, 4)
  framed.writeUInt32BE(crc32(named), named.length + 4)
  return framed
}

/** Encodes greyscale images as the pages of an uncompressed TIFF. */
export function tiffOf(files: Uint8Array[]): Buffer {
  const entries = 9
  const directoryBytes = 2 + entries * 12 + 4
  const parts: Buffer[] = [Buffer.from('II*\0', 'latin1')]
  let at = 8
  for (const [i, file] of files.entries()) {
    const { width, height, pixels } = greyOf(file)
    const directory = Buffer.alloc(directoryBytes)
    const values: [tag: number, value: number][] = [
      [256, width],
      [257, height],
      [258, 8],
      [259, 1],
      [262, 1],
      [273, at + directoryBytes],
      [277, 1],
      [278, height],
      [279, pixels.length],
    ]
    directory.writeUInt16LE(entries, 0)
    for (const [n, [tag, value]] of values.entries()) {
      directory.writeUInt16LE(tag, 2 + n * 12)
      directory.writeUInt16LE(4, 4 + n * 12)
      directory.writeUInt32LE(1, 6 + n * 12)
      directory.writeUInt32LE(value, 10 + n * 12)
    }
    const start = Buffer.alloc(4)
    start.writeUInt32LE(at)
    const even = Buffer.concat([pixels, Buffer.alloc(pixels.length % 2)])
    at += directoryBytes + even.length
    if (i < files.length - 1) directory.writeUInt32LE(at, directoryBytes - 4)
    parts.push(...(i === 0 ? [start] : []), directory, even)
  }
  return Buffer.concat(parts)
}
