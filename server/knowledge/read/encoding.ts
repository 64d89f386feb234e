import iconv from 'iconv-lite'
import jschardet from 'jschardet'
import { empty, unsupported } from './unreadable.ts'

const byteOrderMarks: [string, number[]][] = [
  ['utf-32le', [0xff, 0xfe, 0, 0]],
  ['utf-32be', [0, 0, 0xfe, 0xff]],
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]
/** Detection is slow, and knows after this much. */
const sampleBytes = 16_384
const charset = /<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([\w.:-]{2,40})/i

/**
 * The text of a file in whatever encoding: a byte order mark decides, then strict UTF-8, then UTF-16's zeros, then
 * statistics. Line ends become '\n'. Throws `Unreadable` for what is empty or is no text at all.
 */
export function decodeText(bytes: Buffer): string {
  return readable(decode(bytes, undefined))
}

/** The same for HTML, which may name its encoding itself. */
export function decodeHtml(bytes: Buffer): string {
  return readable(decode(bytes, charset.exec(bytes.subarray(0, 2048).toString('latin1'))?.[1]))
}

function decode(bytes: Buffer, named: string | undefined): string {
  for (const [encoding, mark] of byteOrderMarks)
    if (mark.every((byte, i) => bytes[i] === byte)) return iconv.decode(bytes.subarray(mark.length), encoding)
  const hasZeros = bytes.subarray(0, sampleBytes).includes(0)
  if (!hasZeros) {
    const utf8 = strictUtf8(bytes)
    if (utf8 !== undefined) return utf8
    if (named && iconv.encodingExists(named)) return iconv.decode(bytes, named)
  }
  const wide = hasZeros ? wideEncodingOf(bytes) : undefined
  return iconv.decode(bytes, wide ?? detected(bytes) ?? 'windows-1252')
}

function strictUtf8(bytes: Buffer): string | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** UTF-16 without a mark: most characters of most scripts have one zero byte, always on the same side. */
function wideEncodingOf(bytes: Buffer): string | undefined {
  const sample = bytes.subarray(0, sampleBytes)
  const zeros = [0, 0]
  for (const [i, byte] of sample.entries()) if (byte === 0) zeros[i % 2] = (zeros[i % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  if (odd > sample.length / 8 && even < odd / 20) return 'utf-16le'
  if (even > sample.length / 8 && odd < even / 20) return 'utf-16be'
  return undefined
}

function detected(bytes: Buffer): string | undefined {
  const { encoding } = jschardet.detect(telling(bytes))
  return encoding && iconv.encodingExists(encoding) ? encoding : undefined
}

/** The part of the file that has something to tell: from shortly before the first byte beyond ASCII. */
function telling(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte >= 0x80 || byte === 0)
  const start = Math.max(0, first - 256)
  return bytes.subarray(start - (start % 4), start - (start % 4) + sampleBytes)
}

/** Share of characters that text does not have, beyond which it is none. */
const mostGarbage = 0.01
// biome-ignore lint: control characters are what is looked for
const garbage = /[\u0000-\u0007\u000e-\u001a\u001c-\u001f\u007f-\u0084\u0086-\u009f\ufffd\ufffe\uffff]/g

function readable(text: string): string {
  const clean = text.replaceAll(/\r\n?/g, '\n').replaceAll('\f', '\n').replaceAll('\u0000', '')
  if (clean.trim() === '') throw text.includes('\u0000') ? notText() : empty()
  const strange = text.match(garbage)?.length ?? 0
  if (strange > text.length * mostGarbage) throw notText()
  return clean.toWellFormed()
}

const notText = () =>
  unsupported(
    'neither text nor a kind of document that is known here',
    'Save it as PDF, Word, Markdown or plain text and upload that.',
  )
