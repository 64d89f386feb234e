import { attribute, descendants, parseTree, valueOf, type XmlElement } from '../../xml.ts'
import type { Zip } from '../../zip.ts'
import type { ListPlace } from './paragraphs.ts'

/** Paragraph properties of a style: the heading level, from 0, and a position in a list. */
export type Kind = { outline: number | undefined; list: ListPlace }

/** Parses the styles of a Word document. A style inherits missing properties from the style it is based on. */
export async function stylesOf(zip: Zip, part: string): Promise<(id: string | undefined) => Kind> {
  const tree = await parseTree(zip.chunks(part))
  const styles = new Map(
    [...descendants(tree, 'style')].map((style) => [attribute(style.attributes, 'styleId'), style]),
  )

  const kinds = new Map<string | undefined, Kind>()
  return (id) => {
    const known = kinds.get(id)
    if (known) return known
    const kind: Kind = { outline: undefined, list: { id: undefined, level: undefined } }
    const seen = new Set<string>()
    for (let at = id; at !== undefined && !seen.has(at); at = valueOf(styles.get(at), 'basedOn')) {
      seen.add(at)
      const style = styles.get(at)
      kind.outline ??= outlineOf(style)
      kind.list.id ??= valueOf(style, 'numId')
      kind.list.level ??= numberOf(style, 'ilvl')
    }
    kinds.set(id, kind)
    return kind
  }
}

/** Built-in heading styles have English names in every language; other styles set an outline level. */
function outlineOf(style: XmlElement | undefined): number | undefined {
  const name = valueOf(style, 'name')?.toLowerCase() ?? ''
  const level = /^heading (\d)$/.exec(name)?.[1]
  return level ? Number(level) - 1 : name === 'title' ? 0 : numberOf(style, 'outlineLvl')
}

function numberOf(style: XmlElement | undefined, name: string): number | undefined {
  const value = valueOf(style, name)
  return value === undefined ? undefined : Number(value)
}
