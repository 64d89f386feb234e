import { descendants, parseTree, type XmlElement } from '../xml.ts'
import type { Zip } from '../zip.ts'

export type CellFormat = 'number' | 'percent' | 'date' | 'time'

/** Returns the kind of a built-in number format (ECMA-376, 18.8.30, with the dates of East Asian locales). */
const builtIn = (id: number): CellFormat =>
  (id >= 14 && id <= 17) || id === 22 || (id >= 27 && id <= 36) || (id >= 50 && id <= 58)
    ? 'date'
    : (id >= 18 && id <= 21) || (id >= 45 && id <= 47)
      ? 'time'
      : id === 9 || id === 10
        ? 'percent'
        : 'number'

/** Returns the kind of value of each cell style, by style index. */
export async function cellFormatsOf(zip: Zip, part: string): Promise<CellFormat[]> {
  const styles = await parseTree(zip.chunks(part))
  const idOf = ({ attributes }: XmlElement) => Number(attributes['numFmtId'] ?? 0)
  const custom = new Map(
    [...descendants(styles, 'numFmt')].map((format) => [
      idOf(format),
      kindOf(format.attributes['formatCode'] ?? ''),
    ]),
  )
  const [cellStyles] = descendants(styles, 'cellXfs')
  return (cellStyles?.children ?? []).map((style) => custom.get(idOf(style)) ?? builtIn(idOf(style)))
}

/** The specification of Excel limits a number format to 255 characters. */
const maxFormatCharacters = 255

function kindOf(code: string): CellFormat {
  const bare =
    code
      .slice(0, maxFormatCharacters)
      .replace(/"[^"]*"|\\.|\[[^\]]*\]|[_*]./g, '')
      .split(';')[0]
      ?.toLowerCase() ?? ''
  if (/[yd]/.test(bare) || (bare.includes('m') && !/[hs]/.test(bare))) return 'date'
  if (/[hs]/.test(bare)) return 'time'
  return bare.includes('%') ? 'percent' : 'number'
}

const dayMs = 86_400_000
const start1900 = Date.UTC(1899, 11, 30)
const start1904 = Date.UTC(1904, 0, 1)

/** Formats a value like its cell, with dates and times in ISO 8601. */
export function formatCell(value: number, format: CellFormat | undefined, since1904: boolean): string {
  if (!Number.isFinite(value)) return ''
  const start = since1904 ? start1904 : start1900
  const moment = new Date(Math.round((start + value * dayMs) / 1000) * 1000)
  const isMoment = (format === 'date' || format === 'time') && value >= 0 && !Number.isNaN(moment.getTime())
  if (isMoment) {
    const [date = '', time = ''] = moment.toISOString().slice(0, 19).split('T')
    if (format === 'time' && value < 1) return time
    return time === '00:00:00' ? date : `${date} ${time}`
  }
  if (format === 'percent') return `${withoutRoundingError(value * 100)}%`
  return withoutRoundingError(value)
}

const withoutRoundingError = (value: number) => String(Number(value.toPrecision(15)))
