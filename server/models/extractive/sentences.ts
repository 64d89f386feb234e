/** A sentence or a table row of a passage, exactly as it stands there but for line breaks. */
export type Sentence = {
  text: string
  /** The first row of the table that this row belongs to. */
  header?: string
}

const longest = 600
const segmenter = new Intl.Segmenter(undefined, { granularity: 'sentence' })

const abbreviations = new Set(
  (
    'mr mrs ms dr prof st vs etc fig figs no nos vol pp p ed eds jr sr inc ltd co corp approx dept est e.g i.e cf al u.s ' +
    'bzw ca evtl ggf inkl nr str tel usw z.b d.h u.a o.ä s.o abs art bd hrsg jh mio mrd ' +
    'm mme mlle av env p.ex sra sig dott ing ecc pág núm ej'
  ).split(' '),
)

/**
 * The sentences of a passage. A line with tabs or bars is a table row and counts as one sentence; lines that were
 * wrapped by the page are joined first, and a Markdown heading comes without its marks.
 */
export function splitSentences(passage: string): Sentence[] {
  const sentences: Sentence[] = []
  let prose: string[] = []
  let header: string | undefined
  const endProse = () => {
    for (const block of unwrapped(prose)) sentences.push(...split(block).map((text) => ({ text })))
    prose = []
  }
  for (const line of passage.split(/\r?\n|\u2028|\u2029/)) {
    if (isRow(line)) {
      endProse()
      const text = line.trim()
      // The line under a Markdown header holds no words.
      if (!/[\p{L}\p{N}]/u.test(text)) continue
      sentences.push(header === undefined ? { text } : { text, header })
      header ??= text
    } else {
      header = undefined
      prose.push(line)
    }
  }
  endProse()
  return sentences.flatMap(({ text, ...row }) => pieces(text).map((piece) => ({ text: piece, ...row })))
}

const isRow = (line: string) => /\S\t+\S/.test(line) || (line.match(/\|/g)?.length ?? 0) >= 2

/** Lines as blocks of running text. A short line (a heading, the end of a paragraph) and a list item end a block. */
function unwrapped(lines: string[]): string[] {
  const width = Math.max(0, ...lines.map((line) => line.trim().length))
  const blocks: string[] = []
  let open = false
  for (const line of lines) {
    const text = line.trim()
    if (text === '') {
      open = false
      continue
    }
    const startsItem = /^(?:[-*•‣▪–]|\d{1,3}[.)]|#{1,6})\s/.test(text)
    if (open && !startsItem) blocks[blocks.length - 1] += ` ${text}`
    else blocks.push(text.replace(/^#{1,6}\s+/, ''))
    open = text.length >= width * 0.7 && width >= 40
  }
  return blocks
}

function split(block: string): string[] {
  const parts: string[] = []
  let open = ''
  for (const { segment } of segmenter.segment(block)) {
    if (open !== '' && !goesOn(open, segment)) {
      parts.push(open)
      open = ''
    }
    open += segment
  }
  parts.push(open)
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

const afterOrdinal = /^(?:Jan|Jän|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|Jahrhundert|Jh)/

/** Does `text` end with an abbreviation, an initial or a German ordinal rather than with a sentence? */
function goesOn(text: string, next: string): boolean {
  const end = /(?:^|[\s(„"'«])((?:\p{L}\.)*\p{L}+|\d{1,2})\.\s*$/u.exec(text)?.[1]
  if (end === undefined) return false
  if (/^\d/.test(end)) return afterOrdinal.test(next)
  return /^\p{L}$/u.test(end) || abbreviations.has(end.toLowerCase())
}

/** A sentence without end (a list run together, text without punctuation) in readable pieces. */
function pieces(text: string): string[] {
  if (text.length <= longest) return [text]
  const parts: string[] = []
  let rest = text
  while (rest.length > longest) {
    const window = rest.slice(0, longest)
    const at = Math.max(
      ...['; ', '、', '，', ', ', ' '].map((mark) => window.lastIndexOf(mark) + mark.trim().length),
    )
    const end = at > longest / 3 ? at : longest
    parts.push(rest.slice(0, end).trim())
    rest = rest.slice(end).trim()
  }
  return [...parts, rest].filter((part) => part !== '')
}
