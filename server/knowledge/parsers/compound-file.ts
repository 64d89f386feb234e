import { corrupt } from './errors.ts'

const headerBytes = 512
const fatSectorsInHeader = 109
const entryBytes = 128
const shortSectorBytes = 64
/** Streams below this size are stored in short sectors. */
const minLongStreamBytes = 4_096
/** Values from this one on are not sector numbers. */
const maxSector = 0xfffffffa
const noEntry = 0xffffffff
const folderType = 1
const rootType = 5

/** A storage of a compound file: its streams and the storages in it, by name. */
export type Storage = { streams: Map<string, () => Buffer>; storages: Map<string, () => Storage> }

/**
 * Opens a compound file ([MS-CFB]), the container of Outlook messages and of Office before 2007, and returns its root.
 * Chains that contain a cycle or point outside of the file are errors. @throws UnreadableFileError
 */
export function openCompoundFile(file: Buffer): Storage {
  if (file.length < headerBytes) throw damaged()
  const sectorBytes = 1 << file.readUInt16LE(30)
  if (sectorBytes !== 512 && sectorBytes !== 4_096) throw damaged()
  const numbersPerSector = sectorBytes / 4

  const sector = (number: number) => file.subarray((number + 1) * sectorBytes, (number + 2) * sectorBytes)
  const numberAt = (bytes: Buffer, index: number) =>
    index * 4 + 4 <= bytes.length ? bytes.readUInt32LE(index * 4) : noEntry

  const fat = concat(fatSectors())
  const directory = concat(chain(file.readUInt32LE(48), fat))
  const shortFat = concat(chain(file.readUInt32LE(60), fat))
  const entry = (index: number) => directory.subarray(index * entryBytes, (index + 1) * entryBytes)
  if (directory.length < entryBytes || directory[66] !== rootType) throw damaged()
  const shortStream = concat(chain(directory.readUInt32LE(116), fat))
  return storageOf(directory)

  function fatSectors(): number[] {
    const numbers = Array.from({ length: fatSectorsInHeader }, (_, i) => file.readUInt32LE(76 + 4 * i))
    const further = file.readUInt32LE(72)
    let next = file.readUInt32LE(68)
    for (let i = 0; i < further && next < maxSector && numbers.length * sectorBytes < file.length; i++) {
      const list = sector(next)
      for (let k = 0; k < numbersPerSector - 1; k++) numbers.push(numberAt(list, k))
      next = numberAt(list, numbersPerSector - 1)
    }
    return numbers.filter((number) => number < maxSector)
  }

  /** Returns the sectors of a chain; `table` contains the successor of each sector. */
  function chain(first: number, table: Buffer): number[] {
    const numbers: number[] = []
    for (let next = first; next < maxSector; next = numberAt(table, next)) {
      if (numbers.length * 4 >= table.length) throw damaged()
      numbers.push(next)
    }
    return numbers
  }

  function concat(numbers: number[]): Buffer {
    return Buffer.concat(numbers.map(sector))
  }

  function storageOf(parent: Buffer): Storage {
    const found: Storage = { streams: new Map(), storages: new Map() }
    const seen = new Set<number>()
    const open = [parent.readUInt32LE(76)]
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (index === noEntry) continue
      const child = entry(index)
      if (child.length < entryBytes || seen.has(index)) throw damaged()
      seen.add(index)
      open.push(child.readUInt32LE(68), child.readUInt32LE(72))
      const name = child.toString('utf16le', 0, Math.max(0, Math.min(64, child.readUInt16LE(64)) - 2))
      if (child[66] === folderType) found.storages.set(name, () => storageOf(child))
      else found.streams.set(name, () => streamOf(child))
    }
    return found
  }

  function streamOf(child: Buffer): Buffer {
    const first = child.readUInt32LE(116)
    const bytes = child.readUInt32LE(120)
    if (bytes >= minLongStreamBytes) return concat(chain(first, fat)).subarray(0, bytes)
    const parts = chain(first, shortFat).map((number) =>
      shortStream.subarray(number * shortSectorBytes, (number + 1) * shortSectorBytes),
    )
    return Buffer.concat(parts).subarray(0, bytes)
  }
}

const damaged = () => corrupt('its container cannot be unpacked')
