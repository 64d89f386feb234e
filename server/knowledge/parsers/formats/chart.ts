import { collapseWhitespace, type PageBuilder } from '../page-builder.ts'
import { descendants, parseTree, type XmlElement } from '../xml.ts'
import type { Zip } from '../zip.ts'

/** Returns a function that writes an Office chart: its title, a row per category and a column per series. */
export async function chartOf(zip: Zip, part: string): Promise<(page: PageBuilder) => void> {
  const root = await parseTree(zip.chunks(part))
  const [chart] = descendants(root, 'chart')
  const title = chart && childOf(chart, 'title')
  const series = [...descendants(root, 'ser')].map((each) => ({
    name: [...pointsOf(each, 'tx').values()].join(' '),
    categories: pointsOf(each, 'cat', 'xVal'),
    values: pointsOf(each, 'val', 'yVal'),
  }))
  const categories = new Map(series.flatMap((each) => [...each.categories]))
  const indexes = [...new Set(series.flatMap(({ values }) => [...values.keys()]))].sort((a, b) => a - b)
  return (page) => {
    const words = title ? [...descendants(title, 't')].map(({ text }) => text) : []
    page.paragraph(collapseWhitespace(words.join('')))
    page.startTable()
    page.row(['', ...series.map(({ name }) => name)])
    for (const index of indexes)
      page.row([categories.get(index) ?? '', ...series.map(({ values }) => values.get(index) ?? '')])
    page.endTable()
  }
}

const childOf = (element: XmlElement, ...names: string[]) =>
  element.children.find(({ name }) => names.includes(name))

/** Returns the values that a part of a series shows, by index. */
function pointsOf(series: XmlElement, ...names: string[]): Map<number, string> {
  const points = new Map<number, string>()
  const source = childOf(series, ...names)
  for (const point of source ? descendants(source, 'pt') : []) {
    const index = Number(point.attributes['idx'])
    // The lowest level of categories comes first.
    if (!points.has(index)) points.set(index, childOf(point, 'v')?.text ?? '')
  }
  return points
}
