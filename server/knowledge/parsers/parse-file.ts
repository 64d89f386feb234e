import { readFile } from 'node:fs/promises'
import {
  type Content,
  detectContent,
  isLegacyOffice,
  type LegacyOffice,
  unknownArchive,
} from './content-type.ts'
import type { ParsedDocument, ParsedPage, ParseLimits } from './document.ts'
import {
  corrupt,
  empty,
  libreOfficeNotInstalled,
  onlyPictures,
  scanned,
  UnreadableFileError,
} from './errors.ts'
import type { ConvertOffice } from './libreoffice.ts'
import { mainPartOf } from './office.ts'
import { createTextBudget } from './page-builder.ts'
import type { ParsedContent, Parser, ParserInput, ZipParser } from './parser.ts'
import { titleFor } from './title.ts'
import { binaryTypes, typeOf } from './types.ts'
import { openZip, type Zip } from './zip.ts'

// Parsers are loaded on first use: a process that parses only Markdown never loads PDFium.
const zipParsers: Record<string, () => Promise<ZipParser>> = {
  docx: async () => (await import('./formats/docx/index.ts')).parseDocx,
  pptx: async () => (await import('./formats/pptx.ts')).parsePptx,
  xlsx: async () => (await import('./formats/xlsx.ts')).parseXlsx,
  odt: async () => (await import('./formats/odf.ts')).parseOdf,
  ods: async () => (await import('./formats/odf.ts')).parseOdf,
  odp: async () => (await import('./formats/odf.ts')).parseOdf,
  epub: async () => (await import('./formats/epub.ts')).parseEpub,
}
const parsers: Record<string, () => Promise<Parser>> = {
  pdf: async () => (await import('./formats/pdf/index.ts')).parsePdf,
  html: async () => (await import('./formats/html.ts')).parseHtml,
  eml: async () => (await import('./formats/eml.ts')).parseEml,
  mbox: async () => (await import('./formats/mbox.ts')).parseMbox,
  msg: async () => (await import('./formats/msg.ts')).parseMsg,
  rtf: async () => (await import('./formats/rtf.ts')).parseRtf,
  ipynb: async () => (await import('./formats/notebook.ts')).parseNotebook,
  srt: async () => (await import('./formats/subtitles.ts')).parseSubtitles,
  vtt: async () => (await import('./formats/subtitles.ts')).parseSubtitles,
  csv: async () => (await import('./formats/csv.ts')).parseCsv,
  tsv: async () => (await import('./formats/csv.ts')).parseCsv,
  md: async () => (await import('./formats/text.ts')).parseMarkdown,
  txt: async () => (await import('./formats/text.ts')).parsePlainText,
  json: async () => (await import('./formats/text.ts')).parseJson,
  jsonl: async () => (await import('./formats/text.ts')).parseJson,
  ndjson: async () => (await import('./formats/text.ts')).parseJson,
}
const loadImageParser = async () => (await import('./formats/image.ts')).parseImage
const loadCodeParser = async () => (await import('./formats/text.ts')).parseCode

/** Contents that are often saved under other types of text, with these types. */
const disguises: Partial<Record<Content & string, Set<string>>> = {
  html: new Set(['txt', 'csv', 'tsv', 'json', 'eml', 'mbox', 'srt', 'vtt']),
  mail: new Set(['mbox']),
  mbox: new Set(['eml', 'txt']),
  ipynb: new Set(['json', 'txt']),
  srt: new Set(['txt', 'vtt']),
  vtt: new Set(['txt', 'srt']),
}

const imageFile = /\.(?:png|jpe?g|gif|tiff?|webp|bmp|emf|wmf)$/
/** Folders of the pictures that file managers show. */
const thumbnailFolder = /^(?:docprops|thumbnails)\//
const isPicture = (name: string) => imageFile.test(name) && !thumbnailFolder.test(name)

/** Types whose first heading is a sheet name or missing. */
const tableTypes = new Set(['xlsx', 'xls', 'ods', 'csv', 'tsv'])

/** Parses one file in this process. @throws UnreadableFileError */
export async function parseFile(
  path: string,
  filename: string,
  limits: ParseLimits,
  onPage: ParserInput['onPage'],
  {
    recognizeText,
    convertOffice,
    isWebPage = false,
  }: Partial<Pick<ParserInput, 'recognizeText' | 'isWebPage'>> & { convertOffice?: ConvertOffice } = {},
): Promise<ParsedDocument> {
  const promised = typeOf(filename)
  const content = detectContent(path)
  const source = (type: string): ParserInput => ({
    path,
    type,
    limits,
    textBudget: createTextBudget(limits),
    bytes: () => readFile(path),
    onPage,
    recognizeText,
    isWebPage,
  })
  const read =
    content === 'zip'
      ? await parseZip(source, promised)
      : isLegacyOffice(content)
        ? await parseLegacyOffice(source, content, convertOffice)
        : await parsePlain(content, promised, source)
  if (isBlank(read)) throw empty()
  const title = tableTypes.has(read.type) ? null : titleFor(read)
  return { ...read, title: title && storable(title), pages: read.pages.map(storablePage) }
}

const isBlank = ({ pages }: ParsedContent) => pages.every((page) => page.text.trim() === '')

/** Databases accept neither NUL nor unpaired surrogates. Lengths, and therefore all offsets, do not change. */
const storable = (text: string) => text.replaceAll('\u0000', ' ').toWellFormed()

const storablePage = ({ text, headings, words, ...page }: ParsedPage): ParsedPage => ({
  ...page,
  text: storable(text),
  ...(words ? { words: words.map((word) => ({ ...word, text: storable(word.text) })) } : {}),
  headings: headings.map((heading) => ({ ...heading, text: storable(heading.text) })),
})

async function parseZip(
  source: (type: string) => ParserInput,
  promised: string | undefined,
): Promise<ParsedDocument> {
  const { path, limits, textBudget, recognizeText } = source('zip')
  using zip = await openZip(path, limits, textBudget)
  const type = await typeOfZip(zip)
  const format = zipParsers[type ?? '']
  if (!type || !format)
    throw unknownArchive(zip.has, promised && binaryTypes.has(promised) ? promised : undefined)
  const read = await (await format())(zip, { ...source(type), textBudget })
  if (isBlank(read) && zip.some(isPicture)) throw recognizeText ? onlyPictures() : scanned()
  return { ...read, type }
}

async function parseLegacyOffice(
  source: (type: string) => ParserInput,
  type: LegacyOffice,
  convert: ConvertOffice | undefined,
): Promise<ParsedDocument> {
  if (!convert) throw libreOfficeNotInstalled(type)
  const path = await convert(source(type).path, type)
  return { ...(await parseZip((kind) => ({ ...source(kind), path }), undefined)), type }
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

async function parsePlain(
  content: Exclude<Content, 'zip' | LegacyOffice>,
  promised: string | undefined,
  source: (type: string) => ParserInput,
): Promise<ParsedDocument> {
  if (typeof content === 'object') {
    const type = content.picture
    return { ...(await (await loadImageParser())(source(type))), type }
  }
  const isFree = promised === undefined || binaryTypes.has(promised)
  if (content === 'damaged' && isFree) throw corrupt('its beginning is missing')
  const type = typeOfPlain(content, promised, isFree)
  try {
    const read: ParsedContent = await (await (parsers[type] ?? loadCodeParser)())(source(type))
    return { ...read, type }
  } catch (error) {
    const isNoText = error instanceof UnreadableFileError && error.code === 'unsupported_type'
    throw isNoText && isFree && promised
      ? corrupt(`it is not the ${promised} file that its name promises`)
      : error
  }
}

function typeOfPlain(
  content: Exclude<Content, 'zip' | LegacyOffice | object>,
  promised: string | undefined,
  isFree: boolean,
): string {
  if (content === 'pdf' || content === 'rtf' || content === 'msg') return content
  const isText = content === 'text' || content === 'damaged'
  if (!isText && (isFree || disguises[content]?.has(promised ?? '')))
    return content === 'mail' ? 'eml' : content
  return isFree ? 'txt' : (promised ?? 'txt')
}
