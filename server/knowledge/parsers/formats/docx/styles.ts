import { attribute, parseXml } from '../../xml.ts'
import type { Zip } from '../../zip.ts'
import type { ListPlace } from './paragraphs.ts'

type Style = { name: string; basedOn: string | undefined; outline: number | undefined; list: ListPlace }

/** Paragraph properties of a style: the heading level, from 0, and a position in a list. */
export type Kind = { outline: number | undefined; list: ListPlace }

/**
 * Parses the styles of a Word document. A style inherits missing properties from the style it is based on.
 */
export async function stylesOf(zip: Zip, part: string): Promise<(id: string | undefined) => Kind> {
  const styles = new Map<string, Style>()
  let style: Style | undefined
  await parseXml(zip.chunks(part), {
    open(name, attributes) {
      const value = attribute(attributes, 'val')
      if (name === 'style') {
        style = {
          name: '',
          basedOn: undefined,
          outline: undefined,
          list: { id: undefined, level: undefined },
        }
        styles.set(attribute(attributes, 'styleId') ?? '', style)
      } else if (!style) return
      else if (name === 'name') style.name = value?.toLowerCase() ?? ''
      else if (name === 'basedOn') style.basedOn = value
      else if (name === 'outlineLvl') style.outline = Number(value)
      else if (name === 'numId') style.list.id = value
      else if (name === 'ilvl') style.list.level = Number(value)
    },
    close(name) {
      if (name === 'style') style = undefined
    },
  })

  return (id) => {
    const kind: Kind = { outline: undefined, list: { id: undefined, level: undefined } }
    const seen = new Set<string>()
    for (let at = id; at !== undefined && !seen.has(at); at = styles.get(at)?.basedOn) {
      seen.add(at)
      const own = styles.get(at)
      if (!own) break
      kind.outline ??= outlineOf(own)
      kind.list.id ??= own.list.id
      kind.list.level ??= own.list.level
    }
    return kind
  }
}

/** Built-in heading styles have English names in every language; other styles set an outline level. */
function outlineOf({ name, outline }: Style): number | undefined {
  const level = /^heading (\d)$/.exec(name)?.[1]
  return level ? Number(level) - 1 : name === 'title' ? 0 : outline
}
