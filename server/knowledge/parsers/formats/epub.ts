import { posix } from 'node:path'
import { decodeHtml } from '../encoding.ts'
import { corrupt, unsupported } from '../errors.ts'
import { pageBuilder } from '../page-builder.ts'
import type { ZipParser } from '../parser.ts'
import { attribute, parseXml } from '../xml.ts'
import type { Zip } from '../zip.ts'
import { appendHtml } from './html.ts'

/** Parses an EPUB book: its chapters in reading order as one text. */
export const parseEpub: ZipParser = async (zip, { textBudget, onPage }) => {
  const { title, chapters } = await bookOf(zip)
  const locked = await lockedParts(zip)
  if (chapters.some((chapter) => locked.has(chapter)))
    throw unsupported('a book with copy protection', 'Upload a copy without it.')
  const page = pageBuilder(textBudget)
  for (const [i, chapter] of chapters.entries()) {
    const bytes = await zip.bytes(chapter)
    if (bytes.length > 0) appendHtml(page, decodeHtml(bytes), { xml: true })
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

/** Returns the encrypted parts. Encrypted fonts are common and harmless. */
async function lockedParts(zip: Zip): Promise<Set<string>> {
  const locked = new Set<string>()
  await parseXml(zip.chunks('META-INF/encryption.xml'), {
    open(name, attributes) {
      if (name === 'CipherReference') locked.add(pathOf(attribute(attributes, 'URI') ?? ''))
    },
  })
  return locked
}

/** Converts a link inside the book to a path and decodes percent-encoding where valid. */
function pathOf(href: string): string {
  const [path = ''] = href.split('#')
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
