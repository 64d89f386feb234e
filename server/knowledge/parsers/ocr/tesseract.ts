import { spawn } from 'node:child_process'
import { text as textOf } from 'node:stream/consumers'
import { ocrLanguageMissing } from '../errors.ts'

/** Settings of Tesseract, a separate program that the operator installs with the required languages. */
export type OcrSettings = {
  /** In Tesseract's syntax: `eng`, `deu+eng`. */
  languages: string
  /** Paths of programs and language data, since a parser process has no other environment. */
  env: { PATH?: string | undefined; TESSDATA_PREFIX?: string | undefined }
}

/** An image as a file that Tesseract can open, or as bytes in PGM or PNG format. */
export type OcrImage = { path: string } | { bytes: Uint8Array }

/**
 * Recognizes the text of an image, one string per page (a TIFF may have several). Returns undefined when Tesseract is not
 * installed, and an empty list for an unreadable image. @throws UnreadableFileError when a language is missing
 */
export type RecognizeText = (picture: OcrImage, dotsPerInch?: number) => Promise<string[] | undefined>

type Limits = { memoryBytes: number; milliseconds: number }

/** Confidence (0–100) below which a word is more likely a speck or a line. */
const minWordConfidence = 30
/** Mean confidence below which a page is not text: a photograph, or a language that is not configured. */
const minPageConfidence = 45
/** The level of words in Tesseract's TSV output. */
const wordLevel = '5'

export function tesseract({ languages, env }: OcrSettings, limits: Limits): RecognizeText {
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

/** Runs a program with limits on memory and time, because an image may unpack to any size. */
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
    // One thread: pages run in parallel, and Tesseract's own threads mostly wait for each other.
    env: { ...env, OMP_THREAD_LIMIT: '1' },
    timeout: limits.milliseconds,
    killSignal: 'SIGKILL',
    windowsHide: true,
  })
  const ended = new Promise<number | null | 'missing'>((resolve) => {
    child.once('error', () => resolve('missing'))
    child.once('close', resolve)
  })
  // The program may exit before it has read all input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [output, complaint, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended])
  return { code: code === 127 ? ('missing' as const) : code, output, complaint }
}

/** Converts Tesseract's TSV output to pages of paragraphs and lines. */
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
    if (Number(cell(confidence)) < minWordConfidence) continue
    const place = `${cell(block)} ${cell(paragraph)}`
    const gap = current.paragraph !== place ? '\n\n' : current.line !== cell(line) ? '\n' : ' '
    current.text += (current.text === '' ? '' : gap) + word
    current.paragraph = place
    current.line = cell(line)
  }
  return Array.from(pages, (each) => (each && isText(each.confidences) ? joinHyphenatedWords(each.text) : ''))
}

const isText = (confidences: number[]) =>
  confidences.reduce((sum, each) => sum + each, 0) >= minPageConfidence * confidences.length

/** Joins words hyphenated at a line end on the first of the two lines. */
const joinHyphenatedWords = (text: string) => text.replace(/(\p{L})-\n(\p{Ll}\S*) ?/gu, '$1$2\n')
