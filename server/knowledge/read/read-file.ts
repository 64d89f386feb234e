import { readFile } from 'node:fs/promises'
import { type Content, contentOf, foreignArchive } from './content.ts'
import type { ReadDocument, ReadLimits, ReadPage } from './document.ts'
import type { Format, ReadContent, Source, ZipFormat } from './format.ts'
import { mainPartOf } from './office.ts'
import { budget } from './page-text.ts'
import { titleFor } from './title.ts'
import { binaryTypes, typeOf } from './types.ts'
import { corrupt, empty, scanned, Unreadable } from './unreadable.ts'
import { openZip, type Zip } from './zip.ts'

// Parsers are loaded when the first file needs them: a process that reads Markdown never holds pdfium.
const zipFormats: Record<string, () => Promise<ZipFormat>> = {
  docx: async () => (await import('./formats/docx/index.ts')).readDocx,
  pptx: async () => (await import('./formats/pptx.ts')).readPptx,
  xlsx: async () => (await import('./formats/xlsx.ts')).readXlsx,
  odt: async () => (await import('./formats/odf.ts')).readOdf,
  ods: async () => (await import('./formats/odf.ts')).readOdf,
  odp: async () => (await import('./formats/odf.ts')).readOdf,
  epub: async () => (await import('./formats/epub.ts')).readEpub,
}
const formats: Record<string, () => Promise<Format>> = {
  pdf: async () => (await import('./formats/pdf/index.ts')).readPdf,
  html: async () => (await import('./formats/html.ts')).readHtml,
  eml: async () => (await import('./formats/eml.ts')).readEml,
  csv: async () => (await import('./formats/csv.ts')).readCsv,
  tsv: async () => (await import('./formats/csv.ts')).readCsv,
  md: async () => (await import('./formats/text.ts')).readMarkdown,
  txt: async () => (await import('./formats/text.ts')).readPlainText,
  json: async () => (await import('./formats/text.ts')).readJson,
}
const asPicture = async () => (await import('./formats/picture.ts')).readPicture
const asCode = async () => (await import('./formats/text.ts')).readCode

/** Types that a page of HTML is often saved under by mistake; in others it is the content itself. */
const mayHideHtml = new Set(['txt', 'csv', 'tsv', 'json', 'eml'])

const picture = /\.(?:png|jpe?g|gif|tiff?|webp|bmp|emf|wmf)$/

/** Their first heading is a sheet's name or none. */
const tables = new Set(['xlsx', 'ods', 'csv', 'tsv'])

/** Reads one file in this process. Throws `Unreadable`. */
export async function readFileHere(
  path: string,
  filename: string,
  limits: ReadLimits,
  onPage: Source['onPage'],
  { recognise, isWebPage = false }: { recognise?: Source['recognise']; isWebPage?: boolean } = {},
): Promise<ReadDocument> {
  const promised = typeOf(filename)
  const content = contentOf(path)
  const source = (type: string): Source => ({
    path,
    type,
    limits,
    spent: budget(limits),
    bytes: () => readFile(path),
    onPage,
    recognise,
    isWebPage,
  })
  const read =
    content === 'zip' ? await readZip(source, promised) : await readPlain(content, promised, source)
  if (isBlank(read)) throw empty()
  const title = tables.has(read.type) ? null : titleFor(read)
  return { ...read, title: title && storable(title), pages: read.pages.map(storablePage) }
}

const isBlank = ({ pages }: ReadContent) => pages.every((page) => page.text.trim() === '')

/** Databases take neither zeros nor halves of characters. Lengths stay, and with them all offsets. */
const storable = (text: string) => text.replaceAll('\u0000', ' ').toWellFormed()

const storablePage = ({ page, text, headings }: ReadPage): ReadPage => ({
  page,
  text: storable(text),
  headings: headings.map((heading) => ({ ...heading, text: storable(heading.text) })),
})

async function readZip(
  source: (type: string) => Source,
  promised: string | undefined,
): Promise<ReadDocument> {
  const { path, limits, spent } = source('zip')
  using zip = await openZip(path, limits, spent)
  const type = await typeOfZip(zip)
  const format = zipFormats[type ?? '']
  if (!type || !format) throw foreignArchive(zip.has, promised)
  const read = await (await format())(zip, { ...source(type), spent })
  if (isBlank(read) && zip.some((name) => picture.test(name))) throw scanned()
  return { ...read, type }
}

async function typeOfZip(zip: Zip): Promise<string | undefined> {
  const mimetype = (await zip.bytes('mimetype')).toString('latin1').trim()
  const openDocument = /^application\/vnd\.oasis\.opendocument\.(text|spreadsheet|presentation)\b/.exec(
    mimetype,
  )?.[1]
  if (openDocument) return { text: 'odt', spreadsheet: 'ods', presentation: 'odp' }[openDocument]
  if (mimetype === 'application/epub+zip' || zip.has('META-INF/container.xml')) return 'epub'
  const [folder = ''] = (await mainPartOf(zip))?.split('/') ?? []
  if (zip.has('xl/workbook.bin')) return undefined
  return { word: 'docx', ppt: 'pptx', xl: 'xlsx' }[folder]
}

async function readPlain(
  content: Exclude<Content, 'zip'>,
  promised: string | undefined,
  source: (type: string) => Source,
): Promise<ReadDocument> {
  if (typeof content === 'object') {
    const type = content.picture
    return { ...(await (await asPicture())(source(type))), type }
  }
  const isFree = promised === undefined || binaryTypes.has(promised)
  if (content === 'damaged' && isFree) throw corrupt('its beginning is missing')
  const type = typeOfPlain(content, promised, isFree)
  try {
    const read: ReadContent = await (await (formats[type] ?? asCode)())(source(type))
    return { ...read, type }
  } catch (error) {
    const isNoText = error instanceof Unreadable && error.code === 'unsupported_type'
    throw isNoText && isFree && promised
      ? corrupt(`it is not the ${promised} file that its name promises`)
      : error
  }
}

function typeOfPlain(
  content: Exclude<Content, 'zip' | object>,
  promised: string | undefined,
  isFree: boolean,
): string {
  if (content === 'pdf') return 'pdf'
  if (content === 'html' && (isFree || mayHideHtml.has(promised ?? ''))) return 'html'
  if (content === 'mail' && isFree) return 'eml'
  return isFree ? 'txt' : (promised ?? 'txt')
}
