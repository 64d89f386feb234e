import { deflateSync } from 'node:zlib'
import { buildPdf } from '../pdf.ts'
import { greyOf } from './picture.ts'

/** Text at a position on the page, in points from its lower left corner. */
export type Placed = { x: number; y: number; text: string; size?: number; bold?: boolean }

const width = 595
const height = 842

/** Returns the text matrix that draws text upright at its position on a rotated page. */
const matrix = (x: number, y: number, rotation: number) =>
  ({
    90: `0 1 -1 0 ${width - y} ${x}`,
    180: `-1 0 0 -1 ${width - x} ${height - y}`,
    270: `0 -1 1 0 ${y} ${height - x}`,
  })[rotation] ?? `1 0 0 1 ${x} ${y}`

const line = ({ x, y, text, size = 10, bold = false }: Placed, rotation: number) =>
  `BT /${bold ? 'F2' : 'F1'} ${size} Tf ${matrix(x, y, rotation)} Tm (${text.replace(/[\\()]/g, '\\$&')}) Tj ET`

const pageObject = (contents: number, more = '') =>
  `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${contents} 0 R ${more}
  /Resources << /Font << /F1 3 0 R /F2 4 0 R >> /XObject << /Im1 5 0 R >> >> >>`

const stream = (content: string, more = '') =>
  `<< /Length ${content.length} ${more} >>\nstream\n${content}\nendstream`

/**
 * Returns a PDF with texts at positions. `rotation` is the page rotation in degrees, with which the texts are upright;
 * `title` is the title property; with `hasFigure`, each page has an image below.
 */
export function placedPdf(
  pages: Placed[][],
  more: { rotation?: number; title?: string; hasFigure?: boolean } = {},
): Buffer {
  const figure = more.hasFigure ? ['q 400 0 0 300 90 90 cm /Im1 Do Q'] : []
  return pdfWith(
    pages.map((page) => [...page.map((placed) => line(placed, more.rotation ?? 0)), ...figure].join('\n')),
    more,
  )
}

/** Returns a PDF of one image per page, optionally after a page of text. */
export const scannedPdf = (pages: number, first?: Placed[]) =>
  pdfWith([
    ...(first ? [first.map((placed) => line(placed, 0)).join('\n')] : []),
    ...Array.from({ length: pages }, () => 'q 500 0 0 700 40 40 cm /Im1 Do Q'),
  ])

/** Returns a PDF whose pages are greyscale images (PGM). */
export function scansPdf(pictures: Uint8Array[]): Buffer {
  const kids = pictures.map((_, i) => `${3 + 3 * i} 0 R`).join(' ')
  const objects = pictures.flatMap((picture, i) => {
    const { width: wide, height: high, pixels } = greyOf(picture)
    const size = `/Width ${wide} /Height ${high}`
    return [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${4 + 3 * i} 0 R /Resources << /XObject << /Im1 ${5 + 3 * i} 0 R >> >> >>`,
      stream(`q ${width} 0 0 ${height} 0 0 cm /Im1 Do Q`),
      stream(
        deflateSync(pixels).toString('latin1'),
        `/Type /XObject /Subtype /Image ${size} /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode`,
      ),
    ]
  })
  const tree = `<< /Type /Pages /Count ${pictures.length} /Kids [${kids}] >>`
  return Buffer.from(buildPdf(['<< /Type /Catalog /Pages 2 0 R >>', tree, ...objects]))
}

/** Returns a PDF with an empty page. */
export const blankPdf = () => pdfWith([''])

function pdfWith(contents: string[], more: { rotation?: number; title?: string } = {}): Buffer {
  const first = 6
  const kids = contents.map((_, i) => `${first + 2 * i} 0 R`).join(' ')
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${contents.length} /Kids [${kids}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>',
    stream(
      '\u0000\u00ff',
      '/Type /XObject /Subtype /Image /Width 2 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8',
    ),
    ...contents.flatMap((content, i) => [
      pageObject(first + 2 * i + 1, more.rotation ? `/Rotate ${more.rotation}` : ''),
      stream(content),
    ]),
  ]
  if (more.title === undefined) return Buffer.from(buildPdf(objects))
  objects.push(`<< /Title (${more.title}) >>`)
  return Buffer.from(buildPdf(objects, `/Info ${objects.length} 0 R`))
}

/** Returns a PDF form with a label and a filled-in text field. */
export function filledPdf(label: string, value: string): Buffer {
  const appearance = `/Tx BMC q BT /F1 10 Tf 2 4 Td (${value}) Tj ET Q EMC`
  return Buffer.from(
    buildPdf([
      '<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] >> >>',
      '<< /Type /Pages /Count 1 /Kids [4 0 R] >>',
      '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents 5 0 R /Annots [6 0 R] /Resources << /Font << /F1 3 0 R >> >> >>`,
      stream(line({ x: 60, y: 700, text: label }, 0)),
      `<< /Type /Annot /Subtype /Widget /FT /Tx /T (field) /V (${value}) /F 4 /Rect [160 696 300 712] /P 4 0 R /AP << /N 7 0 R >> >>`,
      stream(
        appearance,
        '/Type /XObject /Subtype /Form /BBox [0 0 140 16] /Resources << /Font << /F1 3 0 R >> >>',
      ),
    ]),
  )
}

/** Returns a PDF that requires a password. */
export const encryptedPdf = () =>
  Buffer.from(
    buildPdf(
      [
        '<< /Type /Catalog /Pages 2 0 R >>',
        '<< /Type /Pages /Count 1 /Kids [3 0 R] >>',
        '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] >>',
        `<< /Filter /Standard /V 1 /R 2 /P -44 /O <${'5a'.repeat(32)}> /U <${'a5'.repeat(32)}> >>`,
      ],
      `/Encrypt 4 0 R /ID [<${'01'.repeat(16)}> <${'01'.repeat(16)}>]`,
    ),
  )

/** Returns a PDF whose page tree is cyclic. */
export const recursivePdf = () =>
  Buffer.from(
    buildPdf([
      '<< /Type /Catalog /Pages 2 0 R >>',
      '<< /Type /Pages /Count 1 /Kids [2 0 R] /Parent 2 0 R >>',
    ]),
  )

/** Returns a PDF of one page with deflated content. */
export function pdfBomb(packed: Uint8Array): Buffer {
  return Buffer.from(
    buildPdf([
      '<< /Type /Catalog /Pages 2 0 R >>',
      '<< /Type /Pages /Count 1 /Kids [3 0 R] >>',
      '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R >>',
      stream(Buffer.from(packed).toString('latin1'), '/Filter /FlateDecode'),
    ]),
  )
}
