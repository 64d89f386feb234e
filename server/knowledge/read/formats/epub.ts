import { posix } from 'node:path'
import { decodeHtml } from '../encoding.ts'
import type { ZipFormat } from '../format.ts'
import { pageText } from '../page-text.ts'
import { corrupt, unsupported } from '../unreadable.ts'
import { attribute, parseXml } from '../xml.ts'
import type { Zip } from '../zip.ts'
import { htmlInto } from './html.ts'

/** A book: its chapters in reading order, as one text. */
export const readEpub: ZipFormat = async (zip, { spent, onPage }) => {
  const { title, chapters } = await bookOf(zip)
  const locked = await lockedParts(zip)
  if (chapters.some((chapter) => locked.has(chapter)))
    throw unsupported('a book with copy protection', 'Upload a copy without it.')
  const page = pageText(spent)
  for (const [i, chapter] of chapters.entries()) {
    const bytes = await zip.bytes(chapter)
    if (bytes.length > 0) htmlInto(page, decodeHtml(bytes), { xml: true })
    onPage(i + 1, chapters.length)
  }
  return { title: title.trim() || null, paged: false, pages: [page.page(1)] }
}

async function bookOf(zip: Zip): Promise<{ title: string; chapters: string[] }> {
  let packagePath = ''
  await parseXml(zip.chunks('META-INF/container.xml'), {
    open(name, attributes) {
      if (name === 'rootfile') packagePath ||= pathOf(attributes['full-path'] ?? '')
    },
  })
  if (!zip.has(packagePath)) throw corrupt('it has no list of chapters')
  const folder = posix.dirname(packagePath)
  const parts = new Map<string, string>()
  const order: string[] = []
  let title = ''
  let isTitle = false
  await parseXml(zip.chunks(packagePath), {
    open(name, attributes) {
      isTitle = name === 'title' && title === ''
      const { id, href, idref } = attributes
      if (name === 'item' && id && href) parts.set(id, posix.join(folder, pathOf(href)))
      if (name === 'itemref' && idref) order.push(idref)
    },
    text(text) {
      if (isTitle) title += text
    },
    close() {
      isTitle = false
    },
  })
  return { title, chapters: order.flatMap((id) => parts.get(id) ?? []) }
}

/** Parts that are encrypted. Fonts often are, which is no obstacle. */
async function lockedParts(zip: Zip): Promise<Set<string>> {
  const locked = new Set<string>()
  await parseXml(zip.chunks('META-INF/encryption.xml'), {
    open(name, attributes) {
      if (name === 'CipherReference') locked.add(pathOf(attribute(attributes, 'URI') ?? ''))
    },
  })
  return locked
}

/** An address inside the book as a path: percent signs decoded where they can be. */
function pathOf(href: string): string {
  const [path = ''] = href.split('#')
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
