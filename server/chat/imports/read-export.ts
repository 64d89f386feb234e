import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Entry, openPromise } from 'yauzl'
import { exportDamaged } from '../errors.ts'
import { jsonObjects } from './json-elements.ts'

const maxEntries = 100_000

/** Yields the JSON objects of an export: of a JSON file, or of the conversation files in a ZIP archive. @throws export_damaged */
export async function* readExport(path: string, maxBytes: number): AsyncGenerator<unknown> {
  if (!(await isZip(path))) {
    yield* jsonObjects(counted(createReadStream(path), maxBytes))
    return
  }
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false }).catch(() => {
    throw exportDamaged('the archive is damaged.')
  })
  try {
    if (zip.entryCount > maxEntries) throw exportDamaged('the archive has too many files.')
    const entries: Entry[] = []
    for await (const entry of zip.eachEntry())
      if (entry.fileName.endsWith('.json') && !entry.isEncrypted()) entries.push(entry)
    const named = entries.filter(({ fileName }) => /(?:^|\/)conversations(?:-\d{1,9})?\.json$/.test(fileName))
    for (const entry of (named.length > 0 ? named : entries).toSorted((a, b) =>
      a.fileName.localeCompare(b.fileName),
    ))
      yield* jsonObjects(counted(await zip.openReadStreamPromise(entry), maxBytes))
  } finally {
    zip.close()
  }
}

async function isZip(path: string): Promise<boolean> {
  await using file = await open(path)
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0)
  return buffer.toString('latin1') === 'PK\x03\x04'
}

async function* counted(chunks: AsyncIterable<unknown>, maxBytes: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += (chunk as Buffer).length
    if (bytes > maxBytes) throw exportDamaged('it is too large.')
    yield chunk as Buffer
  }
}
