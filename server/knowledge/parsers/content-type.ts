import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { openCompoundFile } from './compound-file.ts'
import { corrupt, encrypted, unsupported } from './errors.ts'

/** The content of a file, detected from its first bytes. */
export type Content =
  | 'pdf'
  | 'zip'
  | 'rtf'
  | 'html'
  | 'mail'
  | 'mbox'
  | 'msg'
  | LegacyOffice
  | 'ipynb'
  | 'srt'
  | 'vtt'
  | 'text'
  | 'damaged'
  | { picture: string }

/** Formats of Office before 2007. */
export type LegacyOffice = 'doc' | 'xls' | 'ppt'

export const isLegacyOffice = (content: unknown): content is LegacyOffice =>
  content === 'doc' || content === 'xls' || content === 'ppt'

const headBytes = 4_096
const pdfHeaderSearchBytes = 1_024
/** Streams in the root of a compound file, by the type that they mark. */
const compoundTypes: [string, 'msg' | LegacyOffice][] = [
  ['__properties_version1.0', 'msg'],
  ['WordDocument', 'doc'],
  ['Workbook', 'xls'],
  ['Book', 'xls'],
  ['PowerPoint Document', 'ppt'],
]

const unpack = 'Unpack it and upload the files in it.'
const transcript = 'Upload a transcript as text.'

const imageSignatures: [string, RegExp][] = [
  ['png', /^\x89PNG\r\n/],
  ['jpg', /^\xff\xd8\xff/],
  ['gif', /^GIF8[79]a/],
  ['webp', /^RIFF.{4}WEBP/s],
  ['tif', /^(?:II\*\0|MM\0\*)/],
  ['bmp', /^BM.{4}\0\0\0\0/s],
  ['heic', /^\0{2}.{2}ftyp(?:hei[cfmsx]|mif1|msf1|avif|avis)/s],
]
const otherSignatures: [RegExp, string, string][] = [
  [
    /^\x1f\x8b|^7z\xbc\xaf|^Rar!|^BZh\d|^\xfd7zXZ|^\x28\xb5\x2f\xfd|^.{257}ustar/s,
    'a compressed archive',
    unpack,
  ],
  [/^%!PS/, 'PostScript', 'Save it as PDF and upload that.'],
  [/^.{60}BOOKMOBI/s, 'a Kindle book', 'Convert it to EPUB and upload that.'],
  [/^SQLite format 3\0/, 'a database', 'Export its tables as CSV and upload those.'],
  [
    /^(?:MZ.{0,60}\0|\x7fELF|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe|\0asm)/s,
    'a program',
    'Only documents and text are supported.',
  ],
  [
    /^(?:ID3[\x02-\x04]|\xff[\xf2\xf3\xfb]|OggS|fLaC|RIFF.{4}WAVE|\0{2}.{2}ftypM4A)/s,
    'an audio recording',
    transcript,
  ],
  [/^(?:\0{2}.{2}ftyp|\x1aE\xdf\xa3|RIFF.{4}AVI )/s, 'a video', transcript],
]

const commentsBeforeHtml = /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:[^-]|-[^-]|--+[^->])*--+>\s*)*/
const htmlStart = /^<(?:!doctype\s+html|html|head|body)\b/i
const mailHeader =
  /^(?:From|To|Subject|Date|Message-ID|MIME-Version|Received|Return-Path|Delivered-To|Reply-To|Content-Type):/gim
const minMailHeaders = 3
const mboxStart = /^From \S[^\n]{0,200}\n[\w-]{1,60}:/
const notebookStart = /^\s*\{\s*"(?:cells|metadata|nbformat|worksheets)"\s*:/
const subRipStart = /^\n{0,9}\d{1,6} ?\n\d{2}:\d{2}:\d{2},\d{3} --> /
/** Matches a PDF whose beginning is missing. */
const damagedPdf = /\bendobj\b|\bstartxref\b|%%EOF/

/** Detects the content of a file without its name. @throws UnreadableFileError for a known but unsupported format */
export function detectContent(path: string): Content {
  const head = readHead(path)
  if (head.slice(0, pdfHeaderSearchBytes).includes('%PDF-')) return 'pdf'
  if (/^PK(?:\x03\x04|\x05\x06)/.test(head)) return 'zip'
  if (head.startsWith('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')) return typeOfCompoundFile(path)
  for (const [picture, signature] of imageSignatures) if (signature.test(head)) return { picture }
  for (const [signature, what, advice] of otherSignatures)
    if (signature.test(head)) throw unsupported(what, advice)
  if (head.startsWith('{\\rtf')) return 'rtf'
  const text = head.replace(/^\xef\xbb\xbf/, '')
  if (htmlStart.test(text.replace(commentsBeforeHtml, ''))) return 'html'
  if (damagedPdf.test(text)) return 'damaged'
  if (notebookStart.test(text)) return 'ipynb'
  const unixText = text.replaceAll('\r\n', '\n')
  if (mboxStart.test(unixText)) return 'mbox'
  if (subRipStart.test(unixText)) return 'srt'
  if (/^WEBVTT\b/.test(unixText)) return 'vtt'
  const names = new Set(
    text
      .split(/\r?\n\r?\n/, 1)[0]
      ?.match(mailHeader)
      ?.map((name) => name.toLowerCase()),
  )
  return names.size >= minMailHeaders ? 'mail' : 'text'
}

function readHead(path: string): string {
  const buffer = Buffer.alloc(headBytes)
  const file = openSync(path, 'r')
  try {
    return buffer.toString('latin1', 0, readSync(file, buffer, 0, headBytes, 0))
  } finally {
    closeSync(file)
  }
}

/** Newer Office files with a password use this container too. */
function typeOfCompoundFile(path: string): 'msg' | LegacyOffice {
  const { streams } = openCompoundFile(readFileSync(path))
  if (streams.has('EncryptedPackage')) throw encrypted()
  const type = compoundTypes.find(([stream]) => streams.has(stream))?.[1]
  if (!type)
    throw unsupported('neither an Outlook message nor an Office document', 'Save it as PDF and upload that.')
  return type
}

/** Returns the error for an archive that is not a known document; `has` checks for an entry. */
export function unknownArchive(has: (name: string) => boolean, promised: string | undefined) {
  if (has('Index/Document.iwa') || has('Index.zip'))
    return unsupported('an Apple iWork document', 'Export it as PDF or Word and upload that.')
  if (has('xl/workbook.bin'))
    return unsupported('a binary Excel workbook (.xlsb)', 'Save it as .xlsx and upload that.')
  return promised === undefined
    ? unsupported('a ZIP archive', unpack)
    : corrupt(`it contains no ${promised} document`)
}
