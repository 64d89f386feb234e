import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { init, type WrappedPdfiumModule } from '@embedpdf/pdfium'
import { corrupt, encrypted } from '../../errors.ts'

/** A character on the upright page: y grows upwards, units are points. */
export type Glyph = { index: number; code: number; left: number; right: number; bottom: number; top: number }

type Pdfium = WrappedPdfiumModule & { raw: Raw }
/** PDFium's memory, and functions called for each character; they are twice as fast without the wrapper. */
type Raw = {
  HEAPU8: Uint8Array
  HEAPF32: Float32Array
  _FPDFText_GetUnicode: (text: number, index: number) => number
  _FPDFText_GetLooseCharBox: (text: number, index: number, box: number) => number
}

const wrongPassword = 4
const pathObject = 2
const imageObject = 3
const formObject = 5
/** Limits for nested form objects in the search for images. */
const maxFormDepth = 4
const maxObjects = 10_000
/** A page with more lines and areas has a chart or drawing; a page of text has fewer. */
const minDrawnPaths = 50
const maxAnnotations = 1_000
/** Annotation types of free text and form fields, as PDFium numbers them. */
const textAnnotations = new Set([3, 20])
const flattenForDisplay = 0
const pointsPerInch = 72
const maxPixels = 25_000_000
const white = 0xffffffff
/** The bitmap formats, with flags that render annotations, and grey or in the order red, green, blue. */
const bitmaps = {
  grey: { format: 1, bytesPerPixel: 1, flags: 0x01 | 0x08 },
  colour: { format: 4, bytesPerPixel: 4, flags: 0x01 | 0x10 },
}
const maxFontNameBytes = 256
const maxTitleBytes = 1_024

let loading: Promise<Pdfium> | undefined

/** One instance per process; closing a document releases its memory. */
function pdfium(): Promise<Pdfium> {
  loading ??= (async () => {
    const wasm = readFileSync(fileURLToPath(import.meta.resolve('@embedpdf/pdfium/pdfium.wasm')))
    const library = await init({ wasmBinary: new Uint8Array(wasm).buffer })
    library.PDFiumExt_Init()
    return { ...library, raw: library.pdfium as unknown as Raw }
  })()
  return loading
}

/** Opens a PDF without loading it into memory; PDFium reads blocks of the file on demand. */
export async function openPdf(path: string) {
  const library = await pdfium()
  const { pdfium: module } = library
  const { malloc, free } = module.wasmExports
  const file = openSync(path, 'r')
  const block = module.addFunction((_: number, position: number, buffer: number, size: number) => {
    try {
      return readSync(file, library.raw.HEAPU8, buffer >>> 0, size, position >>> 0) === size ? 1 : 0
    } catch {
      return 0
    }
  }, 'iiiii')
  const access = malloc(12)
  const scratch = malloc(maxTitleBytes)
  module.setValue(access, fstatSync(file).size, 'i32')
  module.setValue(access + 4, block, 'i32')
  module.setValue(access + 8, 0, 'i32')
  const document = library.FPDF_LoadCustomDocument(access, '')
  const failure = document ? 0 : library.FPDF_GetLastError()

  function close() {
    if (document) library.FPDF_CloseDocument(document)
    free(scratch)
    free(access)
    module.removeFunction(block)
    closeSync(file)
  }
  if (!document) {
    close()
    throw failure === wrongPassword ? encrypted() : corrupt('it has no readable list of pages')
  }

  return {
    pages: library.FPDF_GetPageCount(document),
    title(): string {
      const bytes = library.FPDF_GetMetaText(document, 'Title', scratch, maxTitleBytes)
      return bytes > 2 && bytes <= maxTitleBytes ? module.UTF16ToString(scratch) : ''
    },
    /** Calls `use` with a page; returns undefined when the page cannot be loaded. */
    withPage<T>(index: number, use: (page: PdfPage) => T): T | undefined {
      let page = library.FPDF_LoadPage(document, index)
      if (page && hasTextAnnotations(library, page)) {
        // Flattens form fields into the page, which must then be loaded again.
        library.FPDFPage_Flatten(page, flattenForDisplay)
        library.FPDF_ClosePage(page)
        page = library.FPDF_LoadPage(document, index)
      }
      if (!page) return undefined
      const text = library.FPDFText_LoadPage(page)
      try {
        return use(pageOf(library, page, text, scratch))
      } finally {
        if (text) library.FPDFText_ClosePage(text)
        library.FPDF_ClosePage(page)
      }
    },
    [Symbol.dispose]: close,
  }
}

/** Renders a page, `pixelsPerPoint` large; returns undefined when memory is insufficient. */
function renderPage(
  library: Pdfium,
  page: number,
  pixelsPerPoint: number,
  { format, bytesPerPixel, flags }: (typeof bitmaps)[keyof typeof bitmaps],
): { pixels: Uint8Array; width: number; height: number } | undefined {
  const [wide, high] = [library.FPDF_GetPageWidthF(page), library.FPDF_GetPageHeightF(page)]
  const scale = Math.min(pixelsPerPoint, Math.sqrt(maxPixels / (wide * high)))
  const [width, height] = [Math.max(1, Math.floor(wide * scale)), Math.max(1, Math.floor(high * scale))]
  const bitmap = library.FPDFBitmap_CreateEx(width, height, format, 0, 0)
  if (!bitmap) return undefined
  try {
    library.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, white)
    library.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
    const stride = library.FPDFBitmap_GetStride(bitmap)
    const start = library.FPDFBitmap_GetBuffer(bitmap) >>> 0
    const rowBytes = width * bytesPerPixel
    const pixels = new Uint8Array(rowBytes * height)
    for (let y = 0; y < height; y++) {
      const row = start + y * stride
      pixels.set(library.raw.HEAPU8.subarray(row, row + rowBytes), y * rowBytes)
    }
    return { pixels, width, height }
  } finally {
    library.FPDFBitmap_Destroy(bitmap)
  }
}

/** Renders a page as a greyscale image in PGM format (P5). */
function portableGraymap(library: Pdfium, page: number, dotsPerInch: number): Uint8Array | undefined {
  const drawn = renderPage(library, page, dotsPerInch / pointsPerInch, bitmaps.grey)
  return drawn && Buffer.concat([Buffer.from(`P5\n${drawn.width} ${drawn.height}\n255\n`), drawn.pixels])
}

/** Returns whether the page has filled form fields or free text annotations. */
function hasTextAnnotations(library: Pdfium, page: number): boolean {
  const count = Math.min(library.FPDFPage_GetAnnotCount(page), maxAnnotations)
  for (let i = 0; i < count; i++) {
    const annotation = library.FPDFPage_GetAnnot(page, i)
    const type = library.FPDFAnnot_GetSubtype(annotation)
    library.FPDFPage_CloseAnnot(annotation)
    if (textAnnotations.has(type)) return true
  }
  return false
}

export type OpenPdf = Awaited<ReturnType<typeof openPdf>>
export type PdfPage = ReturnType<typeof pageOf>

function pageOf(library: Pdfium, page: number, text: number, scratch: number) {
  const { pdfium: module, raw } = library
  const quarterTurns = library.FPDFPage_GetRotation(page)

  function hasImage(form: number | undefined, depth: number): boolean {
    const count =
      form === undefined ? library.FPDFPage_CountObjects(page) : library.FPDFFormObj_CountObjects(form)
    for (let i = 0; i < Math.min(count, maxObjects); i++) {
      const object =
        form === undefined ? library.FPDFPage_GetObject(page, i) : library.FPDFFormObj_GetObject(form, i)
      const type = library.FPDFPageObj_GetType(object)
      if (type === imageObject) return true
      if (type === formObject && depth < maxFormDepth && hasImage(object, depth + 1)) return true
    }
    return false
  }

  return {
    /** In content order, with the spaces and line breaks that PDFium inserts. */
    *glyphs(): Generator<Glyph> {
      const count = text ? library.FPDFText_CountChars(text) : 0
      for (let index = 0; index < count; index++) {
        const code = raw._FPDFText_GetUnicode(text, index) >>> 0
        raw._FPDFText_GetLooseCharBox(text, index, scratch)
        const { HEAPF32: heap } = raw
        const at = scratch >> 2
        const [left = 0, top = 0, right = 0, bottom = 0] = [
          heap[at],
          heap[at + 1],
          heap[at + 2],
          heap[at + 3],
        ]
        if (quarterTurns === 1) yield { index, code, left: bottom, right: top, bottom: -right, top: -left }
        else if (quarterTurns === 2)
          yield { index, code, left: -right, right: -left, bottom: -top, top: -bottom }
        else if (quarterTurns === 3)
          yield { index, code, left: -top, right: -bottom, bottom: left, top: right }
        else yield { index, code, left, right, bottom, top }
      }
    },
    isBold(index: number): boolean {
      const length = library.FPDFText_GetFontInfo(text, index, scratch, maxFontNameBytes, 0)
      return (
        length > 0 &&
        length <= maxFontNameBytes &&
        /bold|black|heavy|demi/i.test(module.UTF8ToString(scratch))
      )
    },
    hasImage: () => hasImage(undefined, 0),
    /** Whether the page has a picture or a drawing. */
    isGraphical(): boolean {
      if (hasImage(undefined, 0)) return true
      let paths = 0
      const count = Math.min(library.FPDFPage_CountObjects(page), maxObjects)
      for (let i = 0; i < count && paths < minDrawnPaths; i++)
        if (library.FPDFPageObj_GetType(library.FPDFPage_GetObject(page, i)) === pathObject) paths += 1
      return paths >= minDrawnPaths
    },
    /** Renders the page as RGBA, `maxEdge` pixels wide or high. */
    draw(maxEdge: number) {
      const edge = Math.max(library.FPDF_GetPageWidthF(page), library.FPDF_GetPageHeightF(page))
      return renderPage(library, page, maxEdge / edge, bitmaps.colour)
    },
    portableGraymap: (dotsPerInch: number) => portableGraymap(library, page, dotsPerInch),
  }
}
