/** The header of a picture. `orientation` is the EXIF tag, 1 to 8: the rotation and mirroring to undo. */
export type PictureFormat = {
  type: 'png' | 'jpg' | 'webp' | 'gif'
  width: number
  height: number
  orientation: number
}

/** The header of a JPEG file follows its metadata segments of up to 64 KB each. */
export const maxHeaderBytes = 1024 * 1024

/** Reads format and size from the beginning of a file; undefined unless it is a PNG, JPEG, WebP or GIF. */
export function pictureFormat(head: Buffer): PictureFormat | undefined {
  try {
    const format = formatOf(head)
    return format && format.width > 0 && format.height > 0 ? format : undefined
  } catch (error) {
    // The header is incomplete.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function formatOf(head: Buffer): PictureFormat | undefined {
  const text = (start: number, end: number) => head.toString('latin1', start, end)
  const orientation = 1
  if (text(0, 8) === '\x89PNG\r\n\x1a\n' && text(12, 16) === 'IHDR')
    return { type: 'png', width: head.readUInt32BE(16), height: head.readUInt32BE(20), orientation }
  if (/^GIF8[79]a$/.test(text(0, 6)))
    return { type: 'gif', width: head.readUInt16LE(6), height: head.readUInt16LE(8), orientation }
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') {
    const size = webpSize(head, text(12, 16))
    return size && { type: 'webp', ...size, orientation }
  }
  return text(0, 3) === '\xff\xd8\xff' ? jpegFormat(head) : undefined
}

/** WebP container specification, with lossy (RFC 6386) and lossless bitstreams. */
function webpSize(head: Buffer, chunk: string): { width: number; height: number } | undefined {
  if (chunk === 'VP8X') return { width: 1 + head.readUIntLE(24, 3), height: 1 + head.readUIntLE(27, 3) }
  if (chunk === 'VP8 ')
    return { width: head.readUInt16LE(26) & 0x3fff, height: head.readUInt16LE(28) & 0x3fff }
  if (chunk !== 'VP8L') return undefined
  const bits = head.readUInt32LE(21)
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
}

/** Reads the segments up to the start of the frame, SOF0 to SOF15 (ITU-T T.81, B.1). */
function jpegFormat(head: Buffer): PictureFormat | undefined {
  let orientation = 1
  for (let at = 2; ; ) {
    if (head.readUInt8(at) !== 0xff) return undefined
    const marker = head.readUInt8(at + 1)
    if (marker === 0xff) {
      at += 1
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame)
      return {
        type: 'jpg',
        width: head.readUInt16BE(at + 7),
        height: head.readUInt16BE(at + 5),
        orientation,
      }
    const length = head.readUInt16BE(at + 2)
    if (length < 2) return undefined
    if (marker === 0xe1) orientation = exifOrientation(head.subarray(at + 4, at + 2 + length)) ?? orientation
    at += 2 + length
  }
}

/** Reads the tag Orientation of the first directory of EXIF data. */
function exifOrientation(segment: Buffer): number | undefined {
  if (segment.toString('latin1', 0, 6) !== 'Exif\0\0') return undefined
  const tiff = segment.subarray(6)
  const isLittleEndian = tiff.toString('latin1', 0, 2) === 'II'
  const read = (at: number, bytes: number) =>
    isLittleEndian ? tiff.readUIntLE(at, bytes) : tiff.readUIntBE(at, bytes)
  try {
    const directory = read(4, 4)
    const entries = read(directory, 2)
    for (let entry = 0; entry < entries; entry += 1) {
      const at = directory + 2 + 12 * entry
      if (read(at, 2) !== 0x0112) continue
      const value = read(at + 8, 2)
      return value >= 1 && value <= 8 ? value : undefined
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return undefined
}
