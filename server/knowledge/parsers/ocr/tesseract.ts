import type { PageWord } from '../document.ts'
import { ocrLanguageMissing } from '../errors.ts'
import { type ProgramLimits, runProgram } from '../run-program.ts'

/** Settings of Tesseract, a separate program that the operator installs with the required languages. */
export type OcrSettings = {
  /** In Tesseract's syntax: `eng`, `deu+eng`. */
  languages: string
  /** Paths of programs and language data, since Tesseract gets no other environment. */
  env: { PATH?: string | undefined; TESSDATA_PREFIX?: string | undefined }
}

/** An image as a file that Tesseract can open, or as bytes in PGM or PNG format. */
export type OcrImage = { path: string } | { bytes: Uint8Array }

/** The text of a page, and its words with their positions. */
export type RecognizedPage = { text: string; words: PageWord[] }

/**
 * Recognizes the text of an image, by page (a TIFF may have several). Returns undefined when Tesseract is not
 * installed, and an empty list for an unreadable image. @throws UnreadableFileError when a language is missing
 */
export type RecognizeText = (picture: OcrImage, dotsPerInch?: number) => Promise<RecognizedPage[] | undefined>

/** The confidence (0–100) below which a word is more likely dirt or a line. */
const minWordConfidence = 30
/** Mean confidence below which a page is not text: a photograph, or a language that is not configured. */
const minPageConfidence = 45
/**
 * Mean confidence below which a page may be sideways or upside down: such pages of seven prints in four fonts have 28 to
 * 44, upright ones 82 to 97.
 */
const minUprightConfidence = 60
/**
 * Makes Tesseract detect the orientation of each page, which takes a third more time. Without its data (`osd`), which some
 * systems install separately, a page is read upright.
 */
const detectOrientation = ['--psm', '1']
const missingLanguage = /(?:failed|error).*(?:loading|opening).*(?:language|data file)/i
/** The levels of pages and words in Tesseract's TSV output. */
const pageLevel = '1'
const wordLevel = '5'
const boxDigits = 4

export function tesseract(
  { languages, env }: OcrSettings,
  limits: ProgramLimits,
  signal: AbortSignal,
): RecognizeText {
  async function recognize(picture: OcrImage, options: string[]): Promise<RatedPage[] | undefined> {
    const from = 'path' in picture ? picture.path : 'stdin'
    const { code, output, complaint } = await runProgram(
      ['tesseract', from, 'stdout', '-l', languages, ...options, 'tsv'],
      {
        input: 'bytes' in picture ? picture.bytes : undefined,
        // One thread, because pages are processed in parallel and Tesseract's own threads mostly wait for each other.
        env: { ...env, OMP_THREAD_LIMIT: '1' },
        limits,
        signal,
      },
    )
    if (code === 'not_installed') return undefined
    if (complaint.split('\n').some((line) => missingLanguage.test(line) && !line.includes('osd')))
      throw ocrLanguageMissing(languages)
    return code === 0 ? pagesOf(output) : []
  }

  return async (picture, dotsPerInch) => {
    const density = dotsPerInch === undefined ? [] : ['--dpi', String(dotsPerInch)]
    const pages = await recognize(picture, density)
    const mayBeTurned = pages?.some(({ confidence }) => confidence < minUprightConfidence)
    const turned = mayBeTurned ? await recognize(picture, [...density, ...detectOrientation]) : []
    return pages?.map((page, i) => {
      const other = turned?.[i]
      const { confidence, text, words } = other && other.confidence > page.confidence ? other : page
      return confidence >= minPageConfidence ? { text, words } : { text: '', words: [] }
    })
  }
}

/** `confidence` is the mean of its words; 0 without words. */
type RatedPage = RecognizedPage & { confidence: number }

/** Converts Tesseract's TSV output to pages of paragraphs and lines. */
function pagesOf(table: string): RatedPage[] {
  const [head = '', ...rows] = table.split('\n')
  const names = head.split('\t')
  const column = (name: string) => names.indexOf(name)
  const [level, page, block, paragraph, line, confidence, text, left, top, width, height] = [
    'level',
    'page_num',
    'block_num',
    'par_num',
    'line_num',
    'conf',
    'text',
    'left',
    'top',
    'width',
    'height',
  ].map(column)
  type Page = RecognizedPage & {
    size: [number, number]
    confidences: number[]
    paragraph: string
    line: string
  }
  const pages: Page[] = []
  for (const row of rows) {
    const cells = row.split('\t')
    const cell = (at: number | undefined) => cells[at ?? -1] ?? ''
    const number = Number(cell(page))
    if (!(number >= 1)) continue
    const current = (pages[number - 1] ??= {
      text: '',
      words: [],
      size: [1, 1],
      confidences: [],
      paragraph: '',
      line: '',
    })
    const share = (at: number | undefined, axis: 0 | 1) =>
      Number((Number(cell(at)) / current.size[axis]).toFixed(boxDigits))
    if (cell(level) === pageLevel) current.size = [Number(cell(width)) || 1, Number(cell(height)) || 1]
    const word = cell(text).trim()
    if (cell(level) !== wordLevel || word === '') continue
    current.confidences.push(Number(cell(confidence)))
    if (Number(cell(confidence)) < minWordConfidence) continue
    const place = `${cell(block)} ${cell(paragraph)}`
    const gap = current.paragraph !== place ? '\n\n' : current.line !== cell(line) ? '\n' : ' '
    current.text += (current.text === '' ? '' : gap) + word
    current.words.push({
      text: word,
      left: share(left, 0),
      top: share(top, 1),
      width: share(width, 0),
      height: share(height, 1),
    })
    current.paragraph = place
    current.line = cell(line)
  }
  return Array.from(pages, (read: Page | undefined) => ({
    text: joinHyphenatedWords(read?.text ?? ''),
    words: read?.words ?? [],
    confidence: meanOf(read?.confidences ?? []),
  }))
}

const meanOf = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length)

/** Joins words hyphenated at a line end on the first of the two lines. */
const joinHyphenatedWords = (text: string) => text.replace(/(\p{L})-\n(\p{Ll}\S*) ?/gu, '$1$2\n')
