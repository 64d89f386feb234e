import { spawn } from 'node:child_process'
import { text as textOf } from 'node:stream/consumers'
import { ocrLanguageMissing } from '../unreadable.ts'

/** How pictures become text: by Tesseract, a program of its own that its owner installs with the languages they read. */
export type OcrSettings = {
  /** As Tesseract takes them: `eng`, `deu+eng`. */
  languages: string
  /** Where programs and language data are looked for, since a reading process has nothing else of the server's environment. */
  env: { PATH?: string; TESSDATA_PREFIX?: string }
}

/** A picture as a file that Tesseract can open, or its bytes as PGM or PNG. */
export type Picture = { path: string } | { bytes: Uint8Array }

/**
 * Gives the text of a picture, one for each page of it (a TIFF may have several); undefined when Tesseract is not
 * installed. What cannot be recognised has no text. @throws Unreadable when a language is missing.
 */
export type Recognise = (picture: Picture, dotsPerInch?: number) => Promise<string[] | undefined>

type Limits = { memoryBytes: number; milliseconds: number }

/** What is recognised with less confidence, of 100, is rather a speck or a line than a word. */
const leastOfWord = 30
/** A page below this is no text: a photograph, or a language that was not named. */
const leastOfPage = 45
/** The level of words in Tesseract's table. */
const wordLevel = '5'

export function tesseract({ languages, env }: OcrSettings, limits: Limits): Recognise {
  return async (picture, dotsPerInch) => {
    const from = 'path' in picture ? picture.path : 'stdin'
    const density = dotsPerInch === undefined ? [] : ['--dpi', String(dotsPerInch)]
    const { code, output, complaint } = await run(
      ['tesseract', from, 'stdout', '-l', languages, ...density, 'tsv'],
      'bytes' in picture ? picture.bytes : undefined,
      env,
      limits,
    )
    if (code === 'missing') return undefined
    if (
      /(?:failed|error).*(?:loading|opening).*(?:language|data file)|couldn't load any languages/i.test(
        complaint,
      )
    )
      throw ocrLanguageMissing(languages)
    return code === 0 ? pagesOf(output) : []
  }
}

/** Runs a program with bounds on its memory and time: pictures may unpack to anything. */
async function run(
  command: string[],
  input: Uint8Array | undefined,
  env: OcrSettings['env'],
  limits: Limits,
) {
  const kilobytes = Math.floor(limits.memoryBytes / 1024)
  const bounded =
    process.platform === 'win32'
      ? command
      : ['sh', '-c', `ulimit -v ${kilobytes} 2>/dev/null; exec "$0" "$@"`, ...command]
  const [program = '', ...args] = bounded
  const child = spawn(program, args, {
    // One thread: several pages are read side by side, and Tesseract's own threads mostly wait for each other.
    env: { ...env, OMP_THREAD_LIMIT: '1' },
    timeout: limits.milliseconds,
    killSignal: 'SIGKILL',
    windowsHide: true,
  })
  const ended = new Promise<number | null | 'missing'>((resolve) => {
    child.once('error', () => resolve('missing'))
    child.once('close', resolve)
  })
  // It may end before it has read everything.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [output, complaint, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended])
  return { code: code === 127 ? ('missing' as const) : code, output, complaint }
}

/** The words of Tesseract's table, as paragraphs and lines. */
function pagesOf(table: string): string[] {
  const [head = '', ...rows] = table.split('\n')
  const names = head.split('\t')
  const column = (name: string) => names.indexOf(name)
  const [level, page, block, paragraph, line, confidence, text] = [
    'level',
    'page_num',
    'block_num',
    'par_num',
    'line_num',
    'conf',
    'text',
  ].map(column)
  const pages: { text: string; confidences: number[]; paragraph: string; line: string }[] = []
  for (const row of rows) {
    const cells = row.split('\t')
    const cell = (at: number | undefined) => cells[at ?? -1] ?? ''
    const number = Number(cell(page))
    if (!(number >= 1)) continue
    const current = (pages[number - 1] ??= { text: '', confidences: [], paragraph: '', line: '' })
    const word = cell(text).trim()
    if (cell(level) !== wordLevel || word === '') continue
    current.confidences.push(Number(cell(confidence)))
    if (Number(cell(confidence)) < leastOfWord) continue
    const place = `${cell(block)} ${cell(paragraph)}`
    const gap = current.paragraph !== place ? '\n\n' : current.line !== cell(line) ? '\n' : ' '
    current.text += (current.text === '' ? '' : gap) + word
    current.paragraph = place
    current.line = cell(line)
  }
  return Array.from(pages, (each) => (each && isText(each.confidences) ? withWholeWords(each.text) : ''))
}

const isText = (confidences: number[]) =>
  confidences.reduce((sum, each) => sum + each, 0) >= leastOfPage * confidences.length

/** Words that were parted at a line's end come together on the first of the two lines. */
const withWholeWords = (text: string) => text.replace(/(\p{L})-\n(\p{Ll}\S*) ?/gu, '$1$2\n')
