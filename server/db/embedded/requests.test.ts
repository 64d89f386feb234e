import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isStartup,
  isTerminate,
  queryRequest,
  RequestBuffer,
  readSingleValue,
  terminateRequest,
} from './requests.ts'

const message = (letter: string, body = ''): Buffer => {
  const bytes = Buffer.alloc(5 + Buffer.byteLength(body))
  bytes.write(letter)
  bytes.writeUInt32BE(bytes.length - 1, 1)
  bytes.write(body, 5)
  return bytes
}
const startup = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0])
const extended = (sql: string): Buffer =>
  Buffer.concat([
    message('P', `\0${sql}\0\0\0`),
    message('B', '\0\0'),
    message('D', 'P\0'),
    message('E', '\0\0\0\0\0'),
    message('S'),
  ])

const collect = (pieces: Buffer[]): Buffer[] => {
  const requests = new RequestBuffer()
  return pieces.flatMap((piece) => requests.add(piece))
}

describe('requests', () => {
  const conversation = [
    startup,
    queryRequest('begin'),
    extended('insert into t values ($1)'),
    extended('select 1'),
    terminateRequest,
  ]

  test('are the same for every segmentation of the bytes', () => {
    const bytes = Buffer.concat(conversation)
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }))
    fc.assert(
      fc.property(cuts, (places) => {
        const ends = [...places.toSorted((a, b) => a - b), bytes.length]
        const pieces = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end))
        expect(collect(pieces)).toEqual(conversation)
      }),
    )
  })

  test('are recognized by type', () => {
    expect(conversation.map(isStartup)).toEqual([true, false, false, false, false])
    expect(conversation.map(isTerminate)).toEqual([false, false, false, false, true])
  })

  test('end COPY FROM STDIN before the engine waits for its data', () => {
    const [, simple] = collect([startup, queryRequest('copy t from stdin')])
    expect(simple?.subarray(0, 23)).toEqual(queryRequest('copy t from stdin'))
    expect(String.fromCharCode(simple?.[23] ?? 0)).toBe('f')

    const sql = 'COPY t (a, b)\n  FROM STDIN with csv'
    const [, whole] = collect([startup, extended(sql)])
    const sync = message('S')
    expect(whole?.subarray(-sync.length)).toEqual(sync)
    expect(whole?.subarray(0, extended(sql).length - sync.length)).toEqual(
      extended(sql).subarray(0, -sync.length),
    )
    expect(whole?.toString('latin1')).toContain('COPY FROM STDIN is not supported')
  })
})

describe('the value of a response', () => {
  const row = (value: string): Buffer => {
    const bytes = Buffer.alloc(5 + 2 + 4 + value.length)
    bytes.write('D')
    bytes.writeUInt32BE(bytes.length - 1, 1)
    bytes.writeUInt16BE(1, 5)
    bytes.writeInt32BE(value.length, 7)
    bytes.write(value, 11)
    return bytes
  }

  test('is read from its row', () => {
    expect(
      readSingleValue(Buffer.concat([message('T', 'whatever'), row('60000'), message('C', 'SELECT 1\0')])),
    ).toBe('60000')
  })

  test('is undefined without a row', () => {
    expect(readSingleValue(message('E', 'SERROR\0'))).toBeUndefined()
  })
})
