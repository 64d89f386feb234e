const sectorBytes = 512
const shortSectorBytes = 64
const minLongStreamBytes = 4_096
const endOfChain = 0xfffffffe
const fatSector = 0xfffffffd
const free = 0xffffffff

/** A storage of a compound file: streams as bytes, and storages in it. */
export type Tree = { [name: string]: Uint8Array | Tree }

type Entry = { name: string; type: number; sibling: number; child: number; first: number; bytes: number }

/** Returns a compound file ([MS-CFB], version 3) of up to 128 sectors, the container of Office before 2007. */
export function compoundFileOf(root: Tree): Buffer {
  const sectors: Buffer[] = []
  const fat: number[] = []
  const entries: Entry[] = [
    { name: 'Root Entry', type: 5, sibling: free, child: free, first: endOfChain, bytes: 0 },
  ]
  const short: Buffer[] = []
  const shortFat: number[] = []

  const chainOf = (bytes: Uint8Array, size: number, into: Buffer[], table: number[]) => {
    if (bytes.length === 0) return endOfChain
    const first = into.length
    for (let at = 0; at < bytes.length; at += size) {
      into.push(Buffer.concat([bytes.subarray(at, at + size)], size))
      table.push(at + size < bytes.length ? into.length : endOfChain)
    }
    return first
  }
  /** Adds the entries of a storage as a list: each is the right sibling of the one before. */
  const addTree = (tree: Tree, parent: number) => {
    let before = -1
    for (const [name, content] of Object.entries(tree)) {
      const index = entries.length
      const isStream = content instanceof Uint8Array
      const entry: Entry = { name, type: isStream ? 2 : 1, sibling: free, child: free, first: 0, bytes: 0 }
      entries.push(entry)
      if (before === -1) Object.assign(entries[parent] ?? {}, { child: index })
      else Object.assign(entries[before] ?? {}, { sibling: index })
      before = index
      if (!isStream) addTree(content, index)
      else {
        entry.bytes = content.length
        entry.first =
          content.length < minLongStreamBytes
            ? chainOf(content, shortSectorBytes, short, shortFat)
            : chainOf(content, sectorBytes, sectors, fat)
      }
    }
  }
  addTree(root, 0)
  const shortStream = Buffer.concat(short)
  Object.assign(entries[0] ?? {}, {
    first: chainOf(shortStream, sectorBytes, sectors, fat),
    bytes: shortStream.length,
  })
  const directory = chainOf(Buffer.concat(entries.map(entryBytes)), sectorBytes, sectors, fat)
  const shortTable = chainOf(numbers(shortFat), sectorBytes, sectors, fat)
  const header = Buffer.alloc(sectorBytes, 0xff)
  header.write('d0cf11e0a1b11ae1', 'hex')
  header.fill(0, 8, 76)
  for (const [value, at] of [
    [0x3e, 24],
    [3, 26],
    [0xfffe, 28],
    [9, 30],
    [6, 32],
  ] as const)
    header.writeUInt16LE(value, at)
  for (const [value, at] of [
    [1, 44],
    [directory, 48],
    [minLongStreamBytes, 56],
    [shortTable, 60],
    [Math.ceil(shortFat.length / 128), 64],
    [endOfChain, 68],
    [sectors.length, 76],
  ] as const)
    header.writeUInt32LE(value, at)
  return Buffer.concat([header, ...sectors, numbers([...fat, fatSector])])
}

/** Returns numbers as whole sectors. */
function numbers(values: number[]): Buffer {
  const bytes = Buffer.alloc(Math.ceil(values.length / 128) * sectorBytes, 0xff)
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4)
  return bytes
}

function entryBytes({ name, type, sibling, child, first, bytes }: Entry): Buffer {
  const entry = Buffer.alloc(128)
  entry.write(name, 'utf16le')
  entry.writeUInt16LE((name.length + 1) * 2, 64)
  entry[66] = type
  for (const [value, at] of [
    [free, 68],
    [sibling, 72],
    [child, 76],
    [first, 116],
    [bytes, 120],
  ] as const)
    entry.writeUInt32LE(value, at)
  return entry
}

/** Returns the stream of an Outlook message with its sending time, in milliseconds since 1970. */
export function messageProperties(sent: number): Buffer {
  const bytes = Buffer.alloc(48)
  bytes.writeUInt16LE(0x40, 32)
  bytes.writeUInt16LE(0x39, 34)
  bytes.writeBigUInt64LE(BigInt(sent + 11_644_473_600_000) * 10_000n, 40)
  return bytes
}
