import { describe, expect, test } from 'vitest'
import { pictureFormat } from './picture-format.ts'

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  )
const upright = { orientation: 1 }
const frame = (marker: number) => [0xff, marker, 0, 17, 8, 0x01, 0x00, 0x02, 0x00, 3]

describe('pictureFormat', () => {
  test.each([
    ['png', bytes('\x89PNG\r\n\x1a\n', [0, 0, 0, 13], 'IHDR', [0, 0, 2, 0, 0, 0, 1, 0])],
    ['gif', bytes('GIF89a', [0, 2, 0, 1])],
    ['webp', bytes('RIFF\0\0\0\0WEBPVP8X', [10, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0xff, 0, 0])],
    ['webp', bytes('RIFF\0\0\0\0WEBPVP8 ', [0, 0, 0, 0, 0, 0, 0, 0x9d, 0x01, 0x2a, 0, 2, 0, 1])],
    ['webp', bytes('RIFF\0\0\0\0WEBPVP8L', [0, 0, 0, 0, 0x2f, 0xff, 0xc1, 0x3f, 0])],
    ['jpg', bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff], frame(0xc2))],
  ])('reads the size of %s', (type, head) => {
    expect(pictureFormat(head)).toEqual({ type, width: 512, height: 256, ...upright })
  })

  test.each([
    ['big-endian', bytes('Exif\0\0MM\0*', [0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0])],
    ['little-endian', bytes('Exif\0\0II*\0', [8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0])],
  ])('reads the orientation of a photo, %s', (_name, exif) => {
    const head = bytes([0xff, 0xd8, 0xff, 0xe1, 0, exif.length + 2], [...exif], frame(0xc0))
    expect(pictureFormat(head)).toEqual({ type: 'jpg', width: 512, height: 256, orientation: 6 })
  })

  test.each([
    ['text', bytes('hello')],
    ['an incomplete header', bytes('\x89PNG\r\n\x1a\n', [0, 0, 0, 13], 'IHDR', [0, 0])],
    ['no size', bytes('GIF89a', [0, 0, 0, 0])],
    ['a JPEG without a frame', bytes([0xff, 0xd8, 0xff, 0xe0, 0, 2])],
    ['segments of no length', bytes([0xff, 0xd8, 0xff, 0xe0, 0, 0, 0, 0, 0, 0])],
  ])('does not recognize %s as a picture', (_name, head) => {
    expect(pictureFormat(head)).toBeUndefined()
  })
})
