import { posix } from 'node:path'
import { decodeHtml } from '../encoding.ts'
import { corrupt, unsupported } from '../errors.ts'
import { pageBuilder } from '../page-builder.ts'
import type { ZipParser } from '../parser.ts'
import { attribute, descendants, parseTree } from '../xml.ts'
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
  const [rootFile] = descendants(await parseTree(zip.chunks('META-INF/container.xml')), 'rootfile')
  const packagePath = pathOf(rootFile?.attributes['full-path'] ?? '')
  if (!zip.has(packagePath)) throw corrupt('it has no list of chapters')
  const folder = posix.dirname(packagePath)
  const book = await parseTree(zip.chunks(packagePath))
  const paths = new Map<string | undefined, string>()
  for (const { attributes } of descendants(book, 'item'))
    if (attributes['href']) paths.set(attributes['id'], posix.join(folder, pathOf(attributes['href'])))
  const [title] = descendants(book, 'title')
  return {
    title: title?.text ?? '',
    chapters: [...descendants(book, 'itemref')].flatMap(
      ({ attributes }) => paths.get(attributes['idref']) ?? [],
    ),
  }
}

/** Returns the encrypted parts. Encrypted fonts are common and harmless. */
async function lockedParts(zip: Zip): Promise<Set<string>> {
  const encryption = await parseTree(zip.chunks('META-INF/encryption.xml'))
  const references = [...descendants(encryption, 'CipherReference')]
  return new Set(references.map(({ attributes }) => pathOf(attribute(attributes, 'URI') ?? '')))
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
