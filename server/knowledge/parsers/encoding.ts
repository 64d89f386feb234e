import { createRequire } from 'node:module'
import iconv from 'iconv-lite'
import type Jschardet from 'jschardet'
import { empty, unsupported } from './errors.ts'

const require = createRequire(import.meta.url)

const byteOrderMarks: [string, number[]][] = [
  ['utf-32le', [0xff, 0xfe, 0, 0]],
  ['utf-32be', [0, 0, 0xfe, 0xff]],
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]
/** Detection is slow and does not improve with more input. */
const sampleBytes = 16_384
const charset = /<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([\w.:-]{2,40})/i

/** Tried in this order when detection finds nothing readable; each rejects input in other encodings. */
const fallbackEncodings = ['shift_jis', 'gb18030', 'windows-1252']

/** Decodes an HTML file, which may declare its encoding. */
export const decodeHtml = (bytes: Buffer): string =>
  decodeText(bytes, charset.exec(bytes.subarray(0, 2048).toString('latin1'))?.[1])

/**
 * Decodes a text file of unknown encoding: by byte order mark, by the zero bytes of UTF-16, as UTF-8, by the declared
 * encoding, then by statistics. Line breaks become `\n`. @throws UnreadableFileError for an empty file or
 * binary content
 */
export function decodeText(bytes: Buffer, declared?: string): string {
  const text =
    decodeByOrderMark(bytes) ?? decodeUnmarkedUtf16(bytes) ?? strictUtf8(bytes) ?? damagedUtf8(bytes)
  if (text !== undefined) return cleanText(text)
  for (const encoding of [declared, detectEncoding(bytes), ...fallbackEncodings]) {
    const guess = encoding && iconv.encodingExists(encoding) ? iconv.decode(bytes, encoding) : undefined
    if (guess !== undefined && !isBinary(guess)) return cleanText(guess)
  }
  throw notText()
}

function decodeByOrderMark(bytes: Buffer): string | undefined {
  for (const [encoding, mark] of byteOrderMarks)
    if (mark.every((byte, i) => bytes[i] === byte)) return iconv.decode(bytes.subarray(mark.length), encoding)
  return undefined
}

/**
 * Decodes UTF-16 without a byte order mark: in most scripts most characters have one zero byte, always on the same
 * side.
 */
function decodeUnmarkedUtf16(bytes: Buffer): string | undefined {
  const sample = bytes.subarray(0, sampleBytes)
  const zeros = [...sample.keys()].filter((i) => sample[i] === 0)
  const odd = zeros.filter((i) => i % 2 === 1).length
  const even = zeros.length - odd
  const many = Math.max(3, sample.length / 32)
  if (odd > many && even < odd / 20) return iconv.decode(bytes, 'utf-16le')
  if (even > many && odd < even / 20) return iconv.decode(bytes, 'utf-16be')
  return undefined
}

function strictUtf8(bytes: Buffer): string | undefined {
  try {
    // Streaming, so that a partial character at the end of a truncated file is not an error.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return undefined
  }
}

/** Share of invalid sequences among the characters beyond ASCII up to which a text is UTF-8; in other encodings most are. */
const maxInvalidShare = 0.1

/** Decodes UTF-8 with a few invalid bytes, as in a log of several programs or a file cut in parts. */
function damagedUtf8(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8')
  const count = (characters: RegExp) => text.match(characters)?.length ?? 0
  const isUtf8 = count(/\ufffd/g) < maxInvalidShare * count(/[\u0080-\uffff]/g)
  return isUtf8 && !isBinary(text) ? text : undefined
}

/** Returns the most likely encoding; on a tie, the most common one. */
function detectEncoding(bytes: Buffer): string | undefined {
  // Most texts are UTF-8, and the library takes 7 MB of memory.
  const jschardet = require('jschardet') as typeof Jschardet
  const guesses = jschardet
    .detectAll(sampleAroundNonAscii(bytes))
    .filter(({ confidence }) => confidence > 0.01)
  const best = Math.max(...guesses.map(({ confidence }) => confidence))
  const likely = guesses
    .filter(({ confidence }) => confidence > best - 0.01)
    .map(({ encoding }) => encoding?.toLowerCase())
  return likely.find((encoding) => encoding === 'windows-1252') ?? likely[0]
}

/** Returns a sample that starts shortly before the first byte beyond ASCII. */
function sampleAroundNonAscii(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte >= 0x80 || byte === 0)
  const start = Math.max(0, first - 256)
  return bytes.subarray(start - (start % 4), start - (start % 4) + sampleBytes)
}

/** The share of control characters above which a file is binary. */
const maxControlShare = 0.01
/** The number of control characters that a short text may contain. */
const minControlCharacters = 2
// biome-ignore lint: the pattern matches control characters
const controlCharacters =
  /[\u0000-\u0007\u000e-\u001a\u001c-\u001f\u007f-\u0084\u0086-\u009f\ufffd\ufffe\uffff]/g

const isBinary = (text: string) =>
  (text.match(controlCharacters)?.length ?? 0) > Math.max(minControlCharacters, text.length * maxControlShare)

function cleanText(text: string): string {
  const clean = text.replaceAll(/\r\n?/g, '\n').replaceAll('\f', '\n').replaceAll('\u0000', '')
  if (clean.trim() === '' && !text.includes('\u0000')) throw empty()
  if (isBinary(text)) throw notText()
  return clean.toWellFormed()
}

const notText = () =>
  unsupported(
    'neither text nor a known document format',
    'Save it as PDF, Word, Markdown or plain text and upload that.',
  )
