import { attribute, parseXml } from '../../xml.ts'
import type { Zip } from '../../zip.ts'

type Level = { start: number; format: string; text: string }
type List = { scheme: string; restarts: Map<number, number> }

const bullet = '-'
const romans: [number, string][] = [
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
 * Computes the numbers that Word shows before list items and numbered headings, which the document text does
 * not contain. The returned function counts, so it must be called once per paragraph, in order. Bullets
 * become a dash.
 */
export async function numberingOf(zip: Zip, part: string): Promise<(list: string, level: number) => string> {
  const schemes = new Map<string, Level[]>()
  const lists = new Map<string, List>()
  let levels: Level[] = []
  let level: Level | undefined
  let list: List | undefined
  let overridden = 0
  await parseXml(zip.chunks(part), {
    open(name, attributes) {
      const value = attribute(attributes, 'val')
      if (name === 'abstractNum') {
        levels = []
        schemes.set(attribute(attributes, 'abstractNumId') ?? '', levels)
      } else if (name === 'lvl' && !list) {
        level = { start: 1, format: 'decimal', text: '' }
        levels[Number(attribute(attributes, 'ilvl'))] = level
      } else if (name === 'num') {
        list = { scheme: '', restarts: new Map() }
        lists.set(attribute(attributes, 'numId') ?? '', list)
      } else if (name === 'abstractNumId' && list) list.scheme = value ?? ''
      else if (name === 'lvlOverride') overridden = Number(attribute(attributes, 'ilvl'))
      else if (name === 'startOverride') list?.restarts.set(overridden, Number(value))
      else if (level && name === 'start') level.start = Number(value)
      else if (level && name === 'numFmt') level.format = value ?? ''
      else if (level && name === 'lvlText') level.text = value ?? ''
    },
    close(name) {
      if (name === 'lvl') level = undefined
      else if (name === 'num') list = undefined
    },
  })

  const counts = new Map<string, number[]>()
  const begun = new Set<string>()
  return (id, depth) => {
    const { scheme = '', restarts } = lists.get(id) ?? {}
    const own = schemes.get(scheme)
    const at = own?.[depth]
    if (!own || !at || at.format === 'bullet') return bullet
    const count = counts.get(scheme) ?? []
    if (!begun.has(id)) for (const [restarted, start] of restarts ?? []) count[restarted] = start - 1
    begun.add(id)
    count[depth] = (count[depth] ?? at.start - 1) + 1
    count.length = depth + 1
    counts.set(scheme, count)
    return at.text.replace(/%(\d)/g, (_, digit: string) => {
      const index = Number(digit) - 1
      return written(count[index] ?? own[index]?.start ?? 1, own[index]?.format)
    })
  }
}

function written(number: number, format: string | undefined): string {
  if (format === 'lowerLetter') return letters(number)
  if (format === 'upperLetter') return letters(number).toUpperCase()
  if (format === 'lowerRoman') return roman(number)
  if (format === 'upperRoman') return roman(number).toUpperCase()
  return format === 'none' ? '' : String(number)
}

/** a … z, aa, bb …, as in Word. */
const letters = (number: number) =>
  String.fromCharCode(97 + ((Math.max(1, number) - 1) % 26)).repeat(
    Math.min(9, Math.ceil(Math.max(1, number) / 26)),
  )

function roman(number: number): string {
  let rest = Math.min(Math.max(0, number), 3_999)
  let text = ''
  for (const [value, sign] of romans) for (; rest >= value; rest -= value) text += sign
  return text
}
