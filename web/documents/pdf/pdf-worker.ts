import { init, type WrappedPdfiumModule } from '@embedpdf/pdfium'
import wasmUrl from '@embedpdf/pdfium/pdfium.wasm?url'
import { type Box, lineBoxes } from './line-boxes.ts'
import { type CharacterSpan, locatePassage } from './locate-passage.ts'
import type { OpenedPdf, PdfRequest, PdfResponse, RenderedPage } from './worker-messages.ts'

// Draws the pages of one PDF at a time, off the page's own thread: a heavy page takes seconds.

type Pdfium = WrappedPdfiumModule & { heap: () => { HEAPU8: Uint8Array; HEAPF32: Float32Array } }

const asShown = 0
const flattened = 1
const rgba = 4
const white = 0xffffffff
/** The bytes of a pixel in the order that pictures in browsers have them. */
const redFirst = 0x10
/** Pictures beyond this many pixels are refused by phones. */
const mostPixels = 16_000_000
/** A page is as wide as this many units when places on it are asked for: fractions of a point are lost otherwise. */
const fine = 100_000

let library: Promise<Pdfium> | undefined
let open: { document: number; bytes: number } | undefined

async function pdfium(): Promise<Pdfium> {
  const wasm = await fetched(wasmUrl)
  const loaded = await init({ wasmBinary: wasm })
  loaded.PDFiumExt_Init()
  return { ...loaded, heap: () => loaded.pdfium as unknown as ReturnType<Pdfium['heap']> }
}

async function fetched(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url, { credentials: 'same-origin' })
  if (!response.ok) throw new Error(`${response.status}`)
  return await response.arrayBuffer()
}

async function openFile(url: string): Promise<OpenedPdf> {
  const [pdf, file] = await Promise.all([(library ??= pdfium()), fetched(url)])
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
    throw new Error('The file is no PDF that can be opened.')
  }
  open = { document, bytes }
  return { pages: pdf.FPDF_GetPageCount(document) }
}

async function drawPage({
  page: number,
  width,
  passage,
  telling,
}: PdfRequest & { ask: 'page' }): Promise<RenderedPage> {
  const pdf = await library
  if (!pdf || !open) throw new Error('No file is open.')
  let page = pdf.FPDF_LoadPage(open.document, number - 1)
  // What was filled into forms is read as part of the page; the library wants the page opened anew for that.
  if (page && pdf.FPDFPage_Flatten(page, asShown) === flattened) {
    pdf.FPDF_ClosePage(page)
    page = pdf.FPDF_LoadPage(open.document, number - 1)
  }
  if (!page) throw new Error('The page cannot be opened.')
  try {
    const places = passage === null ? null : placesOf(pdf, page, passage, telling)
    return { picture: await pictureOf(pdf, page, width), passage: places }
  } finally {
    pdf.FPDF_ClosePage(page)
  }
}

async function pictureOf(pdf: Pdfium, page: number, wanted: number): Promise<ImageBitmap> {
  const aspect = pdf.FPDF_GetPageHeightF(page) / pdf.FPDF_GetPageWidthF(page)
  const width = Math.max(1, Math.floor(Math.min(wanted, Math.sqrt(mostPixels / aspect))))
  const height = Math.max(1, Math.floor(width * aspect))
  const bitmap = pdf.FPDFBitmap_CreateEx(width, height, rgba, 0, width * 4)
  if (!bitmap) throw new Error('There is not enough memory to draw the page.')
  try {
    pdf.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, white)
    pdf.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, redFirst)
    const start = pdf.FPDFBitmap_GetBuffer(bitmap) >>> 0
    const pixels = new Uint8ClampedArray(pdf.heap().HEAPU8.slice(start, start + width * height * 4).buffer)
    return await createImageBitmap(new ImageData(pixels, width, height))
  } finally {
    pdf.FPDFBitmap_Destroy(bitmap)
  }
}

function placesOf(pdf: Pdfium, page: number, passage: string, telling: string[]): RenderedPage['passage'] {
  const text = pdf.FPDFText_LoadPage(page)
  if (!text) return null
  const { malloc, free } = pdf.pdfium.wasmExports
  const scratch = malloc(16)
  try {
    const codes = Array.from({ length: pdf.FPDFText_CountChars(text) }, (_, i) =>
      pdf.FPDFText_GetUnicode(text, i),
    )
    if (codes.every((code) => textOf(code).trim() === '')) return 'no letters'
    const characters = codes.map(textOf)
    const spans = locatePassage(characters, passage)
    if (!spans) return null
    const aspect = pdf.FPDF_GetPageWidthF(page) / pdf.FPDF_GetPageHeightF(page)
    const corner = (x: number, y: number) => {
      pdf.FPDF_PageToDevice(page, 0, 0, fine, fine, 0, x, y, scratch, scratch + 4)
      return {
        x: pdf.pdfium.getValue(scratch, 'i32') / fine,
        y: pdf.pdfium.getValue(scratch + 4, 'i32') / fine,
      }
    }
    const boxOf = (index: number): Box | undefined => {
      if (!pdf.FPDFText_GetLooseCharBox(text, index, scratch)) return undefined
      const at = scratch >> 2
      const [left = 0, top = 0, right = 0, bottom = 0] = pdf.heap().HEAPF32.subarray(at, at + 4)
      // Which corner is the upper left one depends on how the page is turned.
      const [one, other] = [corner(left, top), corner(right, bottom)]
      return {
        left: Math.min(one.x, other.x),
        top: Math.min(one.y, other.y),
        width: Math.abs(one.x - other.x),
        height: Math.abs(one.y - other.y),
      }
    }
    const isBlank = (index: number) => textOf(codes[index] ?? 0).trim() === ''
    const lines = (of: CharacterSpan[]) =>
      lineBoxes(of, (index) => (isBlank(index) ? undefined : boxOf(index)), aspect)
    // Only within the passage: the same words may stand elsewhere on the page.
    const isWithin = ({ from, to }: CharacterSpan) => spans.some((span) => from >= span.from && to <= span.to)
    const standsOut = telling
      .flatMap((sentence) => locatePassage(characters, sentence) ?? [])
      .filter(isWithin)
    return { all: lines(spans), telling: lines(standsOut) }
  } finally {
    free(scratch)
    pdf.FPDFText_ClosePage(text)
  }
}

const textOf = (code: number) => (code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '')

async function answer(question: PdfRequest): Promise<void> {
  const { n } = question
  try {
    if (question.ask === 'open') reply({ n, answer: await openFile(question.url) })
    else {
      const drawn = await drawPage(question)
      reply({ n, answer: drawn }, [drawn.picture])
    }
  } catch (error) {
    reply({ n, problem: error instanceof Error ? error.message : String(error) })
  }
}

const reply = (message: PdfResponse, transfer: Transferable[] = []) => postMessage(message, { transfer })

// One after the other: a page is never drawn while another file is being opened.
let last = Promise.resolve()
addEventListener('message', ({ data }: MessageEvent<PdfRequest>) => {
  last = last.then(() => answer(data))
})
