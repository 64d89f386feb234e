import photon from '@silvia-odwyer/photon-node'
import type { PagePicture, PageToDraw } from '../../document.ts'
import { openPdf } from './pdfium.ts'

const jpegQuality = 85

/** Draws a page of a PDF; undefined if it lacks the wanted graphics or cannot be drawn. */
export async function drawPage({
  path,
  page,
  maxEdge,
  onlyGraphical,
}: PageToDraw): Promise<PagePicture | undefined> {
  using pdf = await openPdf(path)
  const drawn = pdf.withPage(page - 1, (it) =>
    onlyGraphical && !it.isGraphical() ? undefined : it.draw(maxEdge),
  )
  if (!drawn) return undefined
  const { pixels, width, height } = drawn
  const image = new photon.PhotonImage(pixels, width, height)
  try {
    return { jpeg: image.get_bytes_jpeg(jpegQuality), width, height }
  } finally {
    image.free()
  }
}
