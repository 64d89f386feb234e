import { posix } from 'node:path'
import { attribute, descendants, parseTree } from './xml.ts'
import type { Zip } from './zip.ts'

export type Relation = { type: string; target: string }

/** Returns the relationships of a part of an Office Open XML package by id; targets are paths in the package. */
export async function relationsOf(zip: Zip, part: string): Promise<Map<string, Relation>> {
  const { dir, base } = posix.parse(part)
  const relations = new Map<string, Relation>()
  const tree = await parseTree(zip.chunks(posix.join(dir, '_rels', `${base}.rels`)))
  for (const { attributes } of descendants(tree, 'Relationship')) {
    const { Id: id, Target: target, Type: type, TargetMode: mode } = attributes
    if (!id || !target || mode === 'External') continue
    const path = target.startsWith('/') ? target.slice(1) : posix.join(dir, target)
    relations.set(id, { type: type?.slice(type.lastIndexOf('/') + 1) ?? '', target: path })
  }
  return relations
}

/** Returns the main part of a package, for example `word/document.xml`. */
export async function mainPartOf(zip: Zip): Promise<string | undefined> {
  const relations = await relationsOf(zip, '')
  return relations.values().find(({ type }) => type === 'officeDocument')?.target
}

/** Returns the title from the document properties: `docProps/core.xml`, or `meta.xml` of OpenDocument. */
export async function titleOf(zip: Zip, part: string): Promise<string | null> {
  const [title] = descendants(await parseTree(zip.chunks(part)), 'title')
  return title?.text.trim() || null
}

/** Returns whether a toggle element is on: `<w:b/>`, `val="1"`, `val="true"` or `val="on"`. */
export const isOn = (attributes: Record<string, string>) =>
  !/^(?:0|false|off|none)$/.test(attribute(attributes, 'val') ?? '1')
