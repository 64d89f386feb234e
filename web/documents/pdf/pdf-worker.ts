import { init, type WrappedPdfiumModule } from '@embedpdf/pdfium'
import wasmUrl from '@embedpdf/pdfium/pdfium.wasm?url'
import { type Box, lineBoxes } from './line-boxes.ts'
import { type CharacterSpan, locatePassage } from './locate-passage.ts'
import type { OpenedPdf, PdfRequestMessage, PdfResponseMessage, RenderedPage } from './worker-messages.ts'

// Renders the pages of one PDF at a time, off the main thread: a complex page takes seconds.

type Pdfium = WrappedPdfiumModule & { heap: () => { HEAPU8: Uint8Array; HEAPF32: Float32Array } }

// Constants of PDFium's C API.
const FLAT_NORMALDISPLAY = 0
const FLATTEN_SUCCESS = 1
const FPDFBitmap_BGRA = 4
const FPDF_REVERSE_BYTE_ORDER = 0x10

const white = 0xffffffff
/** Safari on iOS refuses canvases of more than 16,777,216 pixels. */
const maxPixels = 16_000_000
/** Page size passed to FPDF_PageToDevice, which rounds to integers: large enough to keep fractions of a point. */
const deviceUnits = 100_000

let library: Promise<Pdfium> | undefined
let open: { document: number; bytes: number } | undefined

async function loadLibrary(): Promise<Pdfium> {
  const wasm = await fetchBytes(wasmUrl)
  const loaded = await init({ wasmBinary: wasm })
  loaded.PDFiumExt_Init()
  return { ...loaded, heap: () => loaded.pdfium as unknown as ReturnType<Pdfium['heap']> }
}

async function fetchBytes(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url, { credentials: 'same-origin' })
  if (!response.ok) throw new Error(`The file could not be loaded (HTTP ${response.status}).`)
  return await response.arrayBuffer()
}

async function openFile(url: string): Promise<OpenedPdf> {
  const [pdf, file] = await Promise.all([(library ??= loadLibrary()), fetchBytes(url)])
  const { malloc, free } = pdf.pdfium.wasmExports
  if (open) {
    pdf.FPDF_CloseDocument(open.document)
    free(open.bytes)
    open = undefined
  }
  const bytes = malloc(file.byteLength)
  pdf.heap().HEAPU8.set(new Uint8Array(file), bytes)
  const document = pdf.FPDF_LoadMemDocument(bytes, file.byteLength, '')
  if (!document) {
    free(bytes)
    throw new Error('The PDF file cannot be opened.')
  }
  open = { document, bytes }
  return { pages: pdf.FPDF_GetPageCount(document) }
}

async function renderPage({
  page: pageNumber,
  width,
  passage,
  emphasized,
}: PdfRequestMessage & { type: 'render' }): Promise<RenderedPage> {
  const pdf = await library
  if (!pdf || !open) throw new Error('No file is open.')
  let page = pdf.FPDF_LoadPage(open.document, pageNumber - 1)
  // Flattening makes form contents part of the page's text. The page must be loaded again afterwards.
  if (page && pdf.FPDFPage_Flatten(page, FLAT_NORMALDISPLAY) === FLATTEN_SUCCESS) {
    pdf.FPDF_ClosePage(page)
    page = pdf.FPDF_LoadPage(open.document, pageNumber - 1)
  }
  if (!page) throw new Error('The page cannot be opened.')
  try {
    const boxes = passage === null ? null : locateBoxes(pdf, page, passage, emphasized)
    return { bitmap: await renderBitmap(pdf, page, width), passage: boxes }
  } finally {
    pdf.FPDF_ClosePage(page)
  }
}

async function renderBitmap(pdf: Pdfium, page: number, maxWidth: number): Promise<ImageBitmap> {
  const heightPerWidth = pdf.FPDF_GetPageHeightF(page) / pdf.FPDF_GetPageWidthF(page)
  const width = Math.max(1, Math.floor(Math.min(maxWidth, Math.sqrt(maxPixels / heightPerWidth))))
  const height = Math.max(1, Math.floor(width * heightPerWidth))
  const bitmap = pdf.FPDFBitmap_CreateEx(width, height, FPDFBitmap_BGRA, 0, width * 4)
  if (!bitmap) throw new Error('Not enough memory to display the page.')
  try {
    pdf.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, white)
    pdf.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, FPDF_REVERSE_BYTE_ORDER)
    const start = pdf.FPDFBitmap_GetBuffer(bitmap) >>> 0
    const pixels = new Uint8ClampedArray(pdf.heap().HEAPU8.slice(start, start + width * height * 4).buffer)
    return await createImageBitmap(new ImageData(pixels, width, height))
  } finally {
    pdf.FPDFBitmap_Destroy(bitmap)
  }
}

function locateBoxes(
  pdf: Pdfium,
  page: number,
  passage: string,
  emphasized: string[],
): RenderedPage['passage'] {
  const text = pdf.FPDFText_LoadPage(page)
  if (!text) return null
  const { malloc, free } = pdf.pdfium.wasmExports
  const scratch = malloc(16)
  try {
    const codes = Array.from({ length: pdf.FPDFText_CountChars(text) }, (_, i) =>
      pdf.FPDFText_GetUnicode(text, i),
    )
    if (codes.every((code) => textOf(code).trim() === '')) return 'no text'
    const characters = codes.map(textOf)
    const spans = locatePassage(characters, passage)
    if (!spans) return null
    const aspectRatio = pdf.FPDF_GetPageWidthF(page) / pdf.FPDF_GetPageHeightF(page)
    const corner = (x: number, y: number) => {
      pdf.FPDF_PageToDevice(page, 0, 0, deviceUnits, deviceUnits, 0, x, y, scratch, scratch + 4)
      return {
        x: pdf.pdfium.getValue(scratch, 'i32') / deviceUnits,
        y: pdf.pdfium.getValue(scratch + 4, 'i32') / deviceUnits,
      }
    }
    const boxOf = (index: number): Box | undefined => {
      if (!pdf.FPDFText_GetLooseCharBox(text, index, scratch)) return undefined
      const offset = scratch >> 2
      const [left = 0, top = 0, right = 0, bottom = 0] = pdf.heap().HEAPF32.subarray(offset, offset + 4)
      // The rotation of the page determines which corner is the upper left one.
      const [a, b] = [corner(left, top), corner(right, bottom)]
      return {
        left: Math.min(a.x, b.x),
        top: Math.min(a.y, b.y),
        width: Math.abs(a.x - b.x),
        height: Math.abs(a.y - b.y),
      }
    }
    const isBlank = (index: number) => textOf(codes[index] ?? 0).trim() === ''
    const linesOf = (part: CharacterSpan[]) =>
      lineBoxes(part, (index) => (isBlank(index) ? undefined : boxOf(index)), aspectRatio)
    // The same words may also occur outside the passage.
    const isInPassage = ({ from, to }: CharacterSpan) =>
      spans.some((span) => from >= span.from && to <= span.to)
    const emphasizedSpans = emphasized
      .flatMap((sentence) => locatePassage(characters, sentence) ?? [])
      .filter(isInPassage)
    return { all: linesOf(spans), emphasized: linesOf(emphasizedSpans) }
  } finally {
    free(scratch)
    pdf.FPDFText_ClosePage(text)
  }
}

const textOf = (code: number) => (code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '')

async function handle(request: PdfRequestMessage): Promise<void> {
  const { id } = request
  try {
    if (request.type === 'open') respond({ id, result: await openFile(request.url) })
    else {
      const page = await renderPage(request)
      respond({ id, result: page }, [page.bitmap])
    }
  } catch (error) {
    respond({ id, error: error instanceof Error ? error.message : String(error) })
  }
}

const respond = (message: PdfResponseMessage, transfer: Transferable[] = []) =>
  postMessage(message, { transfer })

// Requests are handled one at a time, so that no page is rendered while another file is being opened.
let queue = Promise.resolve()
addEventListener('message', ({ data }: MessageEvent<PdfRequestMessage>) => {
  queue = queue.then(() => handle(data))
})
