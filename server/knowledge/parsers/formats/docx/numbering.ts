import { attribute, descendants, parseTree, valueOf } from '../../xml.ts'
import type { Zip } from '../../zip.ts'

type Level = { start: number; format: string; text: string }

const bullet = '-'
const romanNumerals: [number, string][] = [
  [1000, 'm'],
  [900, 'cm'],
  [500, 'd'],
  [400, 'cd'],
  [100, 'c'],
  [90, 'xc'],
  [50, 'l'],
  [40, 'xl'],
  [10, 'x'],
  [9, 'ix'],
  [5, 'v'],
  [4, 'iv'],
  [1, 'i'],
]

/**
 * Computes the numbers that Word shows before list items and headings but does not store. The returned function counts,
 * so it must be called once per paragraph, in order. Bullets become a dash.
 */
export async function numberingOf(zip: Zip, part: string): Promise<(list: string, level: number) => string> {
  const tree = await parseTree(zip.chunks(part))
  const schemes = new Map(
    [...descendants(tree, 'abstractNum')].map(({ attributes, children }) => {
      const levels: Level[] = []
      for (const level of children.filter(({ name }) => name === 'lvl'))
        levels[Number(attribute(level.attributes, 'ilvl'))] = {
          start: Number(valueOf(level, 'start') ?? 1),
          format: valueOf(level, 'numFmt') ?? 'decimal',
          text: valueOf(level, 'lvlText') ?? '',
        }
      return [attribute(attributes, 'abstractNumId'), levels]
    }),
  )
  const lists = new Map(
    [...descendants(tree, 'num')].map((list) => {
      const restarts = [...descendants(list, 'lvlOverride')].flatMap((override) => {
        const start = valueOf(override, 'startOverride')
        return start === undefined
          ? []
          : [[Number(attribute(override.attributes, 'ilvl')), Number(start)] as const]
      })
      return [attribute(list.attributes, 'numId'), { scheme: valueOf(list, 'abstractNumId'), restarts }]
    }),
  )

  const counts = new Map<string | undefined, number[]>()
  const started = new Set<string>()
  return (id, depth) => {
    const { scheme, restarts = [] } = lists.get(id) ?? {}
    const levels = schemes.get(scheme)
    const level = levels?.[depth]
    if (!levels || !level || level.format === 'bullet') return bullet
    const count = counts.get(scheme) ?? []
    if (!started.has(id)) for (const [restarted, start] of restarts) count[restarted] = start - 1
    started.add(id)
    count[depth] = (count[depth] ?? level.start - 1) + 1
    count.length = depth + 1
    counts.set(scheme, count)
    return level.text.replace(/%(\d)/g, (_, digit: string) => {
      const index = Number(digit) - 1
      return formatNumber(count[index] ?? levels[index]?.start ?? 1, levels[index]?.format)
    })
  }
}

function formatNumber(number: number, format: string | undefined): string {
  if (format === 'lowerLetter') return toLetters(number)
  if (format === 'upperLetter') return toLetters(number).toUpperCase()
  if (format === 'lowerRoman') return toRoman(number)
  if (format === 'upperRoman') return toRoman(number).toUpperCase()
  return format === 'none' ? '' : String(number)
}

/** a … z, aa, bb …, as in Word. */
const toLetters = (number: number) =>
  String.fromCharCode(97 + ((Math.max(1, number) - 1) % 26)).repeat(
    Math.min(9, Math.ceil(Math.max(1, number) / 26)),
  )

function toRoman(number: number): string {
  let rest = Math.min(Math.max(0, number), 3_999)
  let text = ''
  for (const [value, sign] of romanNumerals) for (; rest >= value; rest -= value) text += sign
  return text
}
