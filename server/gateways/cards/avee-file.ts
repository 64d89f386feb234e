import type { Readable } from 'node:stream'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import * as z from 'zod/mini'
import { createAvee, updateAvee } from '../../../contract/avees.ts'
import { text } from '../../../contract/common.ts'
import { documentSource } from '../../../contract/knowledge.ts'
import { layer } from '../../../contract/layers.ts'
import { memoryType } from '../../../contract/memory.ts'
import { exceedsDepth } from '../../http/json-body.ts'
import { aveeFileDamaged } from './errors.ts'

// An .avee file is a ZIP archive of avee.json, described here, and the originals of its documents.

export const manifestName = 'avee.json'
const maxManifestBytes = 32 * 1024 * 1024
const maxEntries = 20_000
const maxDepth = 20

export const manifest = z.object({
  format: z.literal('avee'),
  version: z.literal(1),
  avee: z.extend(createAvee.body, { persona_notes: updateAvee.body.shape.persona_notes }),
  documents: z.array(
    z.object({
      /** Its name in the archive. */
      file: z.string(),
      title: text(300),
      filename: z.nullable(z.string()),
      type: z.string(),
      source: documentSource,
      layer,
    }),
  ),
  /** The owner's memories; those of other users are private. */
  memories: z.array(
    z.object({ type: memoryType, content: text(500), pinned: z.boolean(), local_only: z.boolean() }),
  ),
})
export type Manifest = z.infer<typeof manifest>

/** Opens an .avee file; undefined for another ZIP archive. @throws avee_file_damaged */
export async function openAveeFile(path: string) {
  let zip: ZipFile
  const entries = new Map<string, Entry>()
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false })
    if (zip.entryCount > maxEntries) throw new Error('too many files')
    for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry)
  } catch {
    throw aveeFileDamaged('the archive is damaged or has too many files.')
  }
  const close = () => zip.close()
  const open = async (name: string): Promise<Readable> => {
    const entry = entries.get(name)
    if (!entry || entry.isEncrypted()) throw aveeFileDamaged(`${name} is missing.`)
    return await zip.openReadStreamPromise(entry)
  }
  if (!entries.has(manifestName)) {
    close()
    return undefined
  }
  try {
    let json = ''
    for await (const part of await open(manifestName)) {
      json += (part as Buffer).toString('latin1')
      if (json.length > maxManifestBytes) throw aveeFileDamaged(`${manifestName} is too large.`)
    }
    json = Buffer.from(json, 'latin1').toString('utf8')
    const parsed = exceedsDepth(json, maxDepth) ? undefined : manifest.safeParse(JSON.parse(json))
    if (!parsed?.success) throw aveeFileDamaged(`${manifestName} has an unknown format.`)
    return { manifest: parsed.data, open, [Symbol.dispose]: close }
  } catch (error) {
    close()
    if (error instanceof SyntaxError) throw aveeFileDamaged(`${manifestName} is malformed.`)
    throw error
  }
}
