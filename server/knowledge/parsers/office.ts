import { posix } from 'node:path'
import { attribute, parseXml } from './xml.ts'
import type { Zip } from './zip.ts'

export type Relation = { type: string; target: string }

/**
 * Returns the relationships of a part of an Office Open XML package, by id; targets are paths inside the
 * package.
 */
export async function relationsOf(zip: Zip, part: string): Promise<Map<string, Relation>> {
  const { dir, base } = posix.parse(part)
  const relations = new Map<string, Relation>()
  await parseXml(zip.chunks(posix.join(dir, '_rels', `${base}.rels`)), {
    open(name, attributes) {
      const { Id: id, Target: target, Type: type, TargetMode: mode } = attributes
      if (name !== 'Relationship' || !id || !target || mode === 'External') return
      const path = target.startsWith('/') ? target.slice(1) : posix.join(dir, target)
      relations.set(id, { type: type?.slice(type.lastIndexOf('/') + 1) ?? '', target: path })
    },
  })
  return relations
}

/**
 * Returns the main part of a package: `word/document.xml`, `ppt/presentation.xml`, `xl/workbook.xml` or an
 * equivalent.
 */
export async function mainPartOf(zip: Zip): Promise<string | undefined> {
  for (const { type, target } of (await relationsOf(zip, '')).values())
    if (type === 'officeDocument') return target
  return undefined
}

/** Returns the title from the document properties: `docProps/core.xml`, or `meta.xml` of OpenDocument. */
export async function titleOf(zip: Zip, part: string): Promise<string | null> {
  let title = ''
  let inside = false
  await parseXml(zip.chunks(part), {
    open(name) {
      inside = name === 'title'
    },
    text(text) {
      if (inside) title += text
    },
    close() {
      inside = false
    },
  })
  return title.trim() || null
}

/** Returns whether a toggle element is on: `<w:b/>`, `val="1"`, `val="true"` or `val="on"`. */
export const isOn = (attributes: Record<string, string>) =>
  !/^(?:0|false|off|none)$/.test(attribute(attributes, 'val') ?? '1')
