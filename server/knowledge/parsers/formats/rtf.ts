import iconv from 'iconv-lite'
import { collapseWhitespace, pageBuilder } from '../page-builder.ts'
import type { Parser } from '../parser.ts'

/** A control word with its number, a control symbol, a byte in hexadecimal, a group, or text. */
const token = /\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|([^\\{}\r\n]+)/gi
/** Destinations outside the text. */
const hiddenDestinations = new Set(
  `fonttbl colortbl stylesheet listtable listoverridetable revtbl rsidtbl info pict object header headerl headerr headerf
  footer footerl footerr footerf ftnsep ftnsepc aftnsep bkmkstart bkmkend fldinst themedata colorschememapping latentstyles
  datastore xmlnstbl mmathPr template comment annotation atnid atnauthor filetbl nonesttables`.split(/\s+/),
)
const characters: Record<string, string> = {
  tab: ' ',
  line: '\n',
  emdash: '—',
  endash: '–',
  emspace: ' ',
  enspace: ' ',
  bullet: '•',
  lquote: '‘',
  rquote: '’',
  ldblquote: '“',
  rdblquote: '”',
  '~': ' ',
  _: '-',
  nestcell: ' ',
  nestrow: ' ',
}
/** Code pages of the character sets of fonts. */
const codePages: Record<number, number> = {
  77: 10000,
  128: 932,
  129: 949,
  134: 936,
  136: 950,
  161: 1253,
  162: 1254,
  163: 1258,
  177: 1255,
  178: 1256,
  186: 1257,
  204: 1251,
  222: 874,
  238: 1250,
}
const defaultCodePage = 1252
const maxOutline = 8

/** The destination of a group's text; its font determines the encoding of bytes. */
type Group = {
  destination: 'text' | 'fonts' | 'title' | 'note' | 'hidden'
  isHidden: boolean
  font: number | undefined
  /** Characters after \u that repeat it for old programs. */
  fallbackCharacters: number
}

/** Parses Rich Text Format (version 1.9.1): headings by outline level, tables as rows, footnotes after their paragraph. */
export const parseRtf: Parser = async ({ bytes, textBudget }) => {
  const source = (await bytes()).toString('latin1')
  const page = pageBuilder(textBudget)
  const groups: Group[] = [{ destination: 'text', isHidden: false, font: undefined, fallbackCharacters: 1 }]
  const fontCodePages = new Map<number, number>()
  let codePage = defaultCodePage
  let text = { text: '', title: '', note: '' }
  let encoded: number[] = []
  let notes: string[] = []
  let outline: number | undefined
  let cells: string[] = []
  let isInTable = false
  let isTableOpen = false
  let skip = 0

  const group = () => groups.at(-1) as Group

  for (token.lastIndex = 0; ; ) {
    const match = token.exec(source)
    if (!match) break
    const [, word, number, hexadecimal, symbol, brace, plain] = match
    if (hexadecimal !== undefined) {
      if (skip > 0) skip -= 1
      else encoded.push(Number.parseInt(hexadecimal, 16))
      continue
    }
    if (plain !== undefined) {
      const rest = plain.slice(skip)
      skip = Math.max(0, skip - plain.length)
      // Bytes beyond ASCII violate the format but are common.
      for (let i = 0; i < rest.length; i++) encoded.push(rest.charCodeAt(i))
      continue
    }
    decode()
    if (brace !== undefined) skip = 0
    if (brace === '{') groups.push({ ...group() })
    else if (brace === '}') endGroup()
    else if (symbol === '*') group().destination = 'hidden'
    else if (symbol === '\n' || symbol === '\r') endParagraph()
    else if (symbol !== undefined) write(characters[symbol] ?? (/[\\{}]/.test(symbol) ? symbol : ''))
    else if (word !== undefined) control(word, number === undefined ? undefined : Number(number))
  }
  decode()
  endParagraph()
  endTable()
  return { title: collapseWhitespace(text.title) || null, paged: false, pages: [page.page(1)] }

  function control(word: string, number: number | undefined) {
    const current = group()
    if (word === 'bin') token.lastIndex += Math.max(0, number ?? 0)
    else if (word === 'fonttbl') current.destination = 'fonts'
    else if (word === 'title') current.destination = 'title'
    else if (word === 'footnote' && current.destination === 'text') current.destination = 'note'
    else if (hiddenDestinations.has(word)) current.destination = 'hidden'
    else if (word === 'ansicpg') codePage = number ?? codePage
    else if (word === 'f') current.font = number
    else if (word === 'fcharset' && current.destination === 'fonts' && current.font !== undefined)
      fontCodePages.set(current.font, codePages[number ?? 0] ?? codePage)
    else if (word === 'uc') current.fallbackCharacters = number ?? 1
    else if (word === 'u') {
      write(String.fromCharCode((number ?? 0) & 0xffff))
      skip = current.fallbackCharacters
    } else if (word === 'v' || word === 'deleted') current.isHidden = number !== 0
    else if (word === 'plain') current.isHidden = false
    else if (current.destination === 'note' && word === 'par') write('\n')
    else if (current.destination !== 'text') return
    else if (word === 'pard') {
      outline = undefined
      isInTable = false
    } else if (word === 'intbl') isInTable = true
    else if (word === 'outlinelevel') outline = number
    else if (word === 'par' || word === 'sect' || word === 'page') endParagraph()
    else if (word === 'cell') {
      cells.push(text.text)
      text.text = ''
    } else if (word === 'row') endRow()
    else write(characters[word] ?? '')
  }

  /** Decodes the bytes since the last control word in the code page of their font. */
  function decode() {
    if (encoded.length === 0) return
    const name = `cp${fontCodePages.get(group().font ?? -1) ?? codePage}`
    write(iconv.decode(Buffer.from(encoded), iconv.encodingExists(name) ? name : `cp${defaultCodePage}`))
    encoded = []
  }

  function write(more: string) {
    const { destination, isHidden } = group()
    if (!isHidden && (destination === 'text' || destination === 'title' || destination === 'note'))
      text[destination] += more
  }

  function endGroup() {
    const ended = groups.length > 1 ? groups.pop() : undefined
    if (ended?.destination === 'note' && group().destination === 'text') {
      notes.push(text.note)
      text.note = ''
    }
  }

  function endParagraph() {
    if (isInTable) {
      text.text += ' '
      return
    }
    endTable()
    const lines = text.text
      .split('\n')
      .map(collapseWhitespace)
      .filter((line) => line !== '')
    text = { ...text, text: '' }
    if (outline !== undefined && outline <= maxOutline) page.heading(outline + 1, lines.join(' '))
    else page.paragraph(lines.join('\n'))
    for (const note of notes) page.paragraph(collapseWhitespace(note))
    notes = []
  }

  function endRow() {
    if (!isTableOpen) page.startTable()
    isTableOpen = true
    page.row(cells)
    cells = []
    text.text = ''
  }

  function endTable() {
    if (isTableOpen) page.endTable()
    isTableOpen = false
  }
}
