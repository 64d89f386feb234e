import { crc32, deflateRawSync } from 'node:zlib'

export type ZipEntry = {
  data: string | Uint8Array
  stored?: boolean
  /** A false uncompressed size for the headers. */
  claims?: number
  encrypted?: boolean
}

/** Returns a ZIP archive with the entries in their order. */
export function zipOf(entries: Record<string, string | Uint8Array | ZipEntry>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [path, value] of Object.entries(entries)) {
    const entry: ZipEntry = typeof value === 'string' || value instanceof Uint8Array ? { data: value } : value
    const data = Buffer.from(entry.data)
    const packed = entry.stored ? data : deflateRawSync(data)
    const name = Buffer.from(path)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(entry.encrypted ? 0x801 : 0x800, 2)
    common.writeUInt16LE(entry.stored ? 0 : 8, 4)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(entry.claims ?? data.length, 18)
    common.writeUInt16LE(name.length, 22)
    const head = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, tail, name)
    parts.push(head, packed)
    offset += head.length + packed.length
  }
  const listing = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Object.keys(entries).length, 8)
  end.writeUInt16LE(Object.keys(entries).length, 10)
  end.writeUInt32LE(listing.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, listing, end])
}
