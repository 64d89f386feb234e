import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import photon from '@silvia-odwyer/photon-node'

export type ConversionTask = {
  path: string
  width: number
  height: number
  orientation: number
  isPhoto: boolean
}
export type Converted = { mediaType: 'image/png' | 'image/jpeg'; data: string }

const jpegQuality = 85
/** A larger PNG is converted to JPEG. */
const maxPngBytes = 1024 * 1024

/** Decodes a picture, resizes it, rotates it upright and encodes it. Runs in a worker, because it takes long. */
function convert({ path, width, height, orientation, isPhoto }: ConversionTask): Converted {
  const picture = photon.PhotonImage.new_from_byteslice(readFileSync(path))
  const resized =
    picture.get_width() === width && picture.get_height() === height
      ? picture
      : photon.resize(picture, width, height, photon.SamplingFilter.Triangle)
  const upright = orientation === 1 ? resized : turn(resized, orientation)
  const png = isPhoto ? undefined : upright.get_bytes()
  return png && png.length <= maxPngBytes
    ? { mediaType: 'image/png', data: Buffer.from(png).toString('base64') }
    : { mediaType: 'image/jpeg', data: Buffer.from(upright.get_bytes_jpeg(jpegQuality)).toString('base64') }
}

/** Rotates and mirrors a picture by its EXIF orientation. */
function turn(picture: photon.PhotonImage, orientation: number): photon.PhotonImage {
  const [w, h] = [picture.get_width(), picture.get_height()]
  const bytes = picture.get_raw_pixels()
  const source = new Uint32Array(bytes.buffer, bytes.byteOffset, w * h)
  const [width, height] = orientation >= 5 ? [h, w] : [w, h]
  const target = new Uint32Array(width * height)
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const [a, b] = orientation >= 5 ? [y, x] : [x, y]
      const column = [2, 3, 7, 8].includes(orientation) ? w - 1 - a : a
      const row = [3, 4, 6, 7].includes(orientation) ? h - 1 - b : b
      target[y * width + x] = source[row * w + column] ?? 0
    }
  return new photon.PhotonImage(new Uint8Array(target.buffer), width, height)
}

parentPort?.postMessage(convert(workerData as ConversionTask))
