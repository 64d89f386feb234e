/**
 * Checks that the time of every regular expression of the server grows linearly with the text. recheck proves it for
 * one search; some patterns use features that it does not support, or take too long to prove. All patterns run on texts
 * of repeated pieces of their own source, up to 16,000 characters, and are compared with a linear pattern on the same
 * text.
 */
import { globSync, readFileSync } from 'node:fs'
import { checkSync } from 'recheck'
import ts from 'typescript'

/** Patterns that are neither proven nor measured because their input is short, with the reason. */
const bounded = new Map([
  [String.raw`/\/+$/`, 'The URL of a model service, which the operator sets.'],
  [
    String.raw`/context_length_exceeded|exceed\w*[^.]{0,60}context|context[^.]{0,40}exceed|maximum context|context (?:length|window|size) (?:of|is)|prompt is too long|too many (?:input )?tokens/i`,
    'The error of a model service, of which 16,384 characters are read.',
  ],
  [
    String.raw`/<(?:script|style)\b[\s\S]*?<\/(?:script|style)>/gi`,
    'The error of a model service, of which 16,384 characters are read.',
  ],
  [
    String.raw`/(?:failed|error).*(?:loading|opening).*(?:language|data file)/i`,
    'Standard error of the local program tesseract.',
  ],
  [
    String.raw`/(?:^|[\s(„“"'«])((?:\p{L}\.\s?)*\p{L}+|\d{1,2})\.\s*$/u`,
    'The last 24 characters before a boundary.',
  ],
  [String.raw`/!?\[([^\]]*)\]\([^)]*\)/g`, 'A heading of at most 1,000 characters.'],
  [String.raw`/"[^"]*"|\\.|\[[^\]]*\]|[_*]./g`, 'A number format of at most 255 characters.'],
  [String.raw`/\p{L}{4,}？$/u`, 'A line of at most 200 characters.'],
  [String.raw`/[\s"'“”«»*_${'`'}.。]+$/u`, 'A title of at most 200 characters.'],
  [String.raw`/\bcopy\b[^;]*\bfrom\s+stdin\b/i`, 'SQL of the server itself.'],
])

// Pure JavaScript instead of a Java program.
process.env['RECHECK_BACKEND'] = 'pure'
/** Most proofs take less than 0.1 s. */
const proofTimeoutMs = 1_000

const lengths = [500, 2_000, 16_000]
/** Shorter times of the linear pattern are noise. */
const timerNoiseMs = 0.02
/**
 * A quadratic pattern reads 16,000 characters about 8,000 times; finding all matches costs a linear pattern more per
 * match.
 */
const maxRatio = { once: 200, everywhere: 25 }
const common = [' ', '\n', '\t', 'a', 'A', '1', '.', '-', '中']
const linear = { once: /[^\0]{2}\0/, everywhere: /[^\0]/g }

/** Returns texts that may be slow to match: words and characters of the pattern, alone and in pairs. */
function pieces(source: string): string[] {
  const words = source.replaceAll(/\\[pPux]\{?[^}]*\}?|\\./g, ' ').match(/[\p{L}]{2,}|<!--|[^\s\w]/gu) ?? []
  const escaped = [...source.matchAll(/\\([^\w\s])/g)].map((match) => match[1] ?? '')
  const own = [
    ...new Set([...words.slice(0, 4), ...escaped, ...words.filter((word) => !/[\p{L}()|?*+\\]/u.test(word))]),
  ].slice(0, 6)
  return [...common, ...own, ...own.flatMap((first) => [' ', 'a', ...own].map((second) => first + second))]
}

function milliseconds(pattern: RegExp, text: string): number {
  pattern.lastIndex = 0
  const start = performance.now()
  if (pattern.global) for (const _ of text.matchAll(pattern));
  else pattern.test(text)
  return performance.now() - start
}

const shortest = (repetitions: number, pattern: RegExp, text: string): number =>
  Math.min(...Array.from({ length: repetitions }, () => milliseconds(pattern, text)))

/** Returns the piece whose repetition makes the pattern slow, if there is one. */
function findSlow(pattern: RegExp): string | undefined {
  return pieces(pattern.source).find((piece) =>
    lengths.some((length) => {
      const textOf = (size: number) => `${piece.repeat(Math.ceil(size / piece.length))}\0`
      const [quarter, text] = [textOf(length / 4), textOf(length)]
      const kind = pattern.global ? 'everywhere' : 'once'
      // Four times the text takes a linear pattern 4 times as long and a quadratic one 16 times.
      const isSlow = (repetitions: number) => {
        const time = shortest(repetitions, pattern, text)
        const limit = maxRatio[kind] * Math.max(shortest(repetitions, linear[kind], text), timerNoiseMs)
        return time > limit && time > 8 * shortest(repetitions, pattern, quarter)
      }
      // The shortest of several times, because other processes interrupt measurements.
      return isSlow(1) && isSlow(10)
    }),
  )
}

const found = new Map<string, string>()
// Records the patterns that modules build when they are loaded.
globalThis.RegExp = new Proxy(RegExp, {
  construct(target, args: [string, string?]) {
    const pattern = new target(...args)
    const place = /\/((?:server|contract)\/[^:]+:\d+)/.exec(new Error().stack?.split('\n')[2] ?? '')?.[1]
    if (place !== undefined) found.set(String(pattern), place)
    return pattern
  },
})
for (const file of globSync('{server,contract}/**/*.ts')) {
  if (file.endsWith('.test.ts')) continue
  const content = readFileSync(file, 'utf8')
  if (content.includes('new RegExp(')) await import(`../${file}`)
  const source = ts.createSourceFile(file, content, ts.ScriptTarget.Latest)
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.RegularExpressionLiteral) {
      const { text } = node as ts.RegularExpressionLiteral
      const { line } = source.getLineAndCharacterOfPosition(node.end)
      found.set(text, `${file}:${line + 1}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
}
const counts = { proven: 0, measured: 0, failed: 0 }
for (const [text, place] of found) {
  if (bounded.has(text)) continue
  const end = text.lastIndexOf('/')
  const [source, flags] = [text.slice(1, end), text.slice(end + 1)]
  const proof = checkSync(source, flags, { checker: 'automaton', timeout: proofTimeoutMs })
  counts[proof.status === 'safe' ? 'proven' : 'measured'] += 1
  const slow = proof.status === 'vulnerable' ? proof.attack.pattern : findSlow(new RegExp(source, flags))
  if (slow === undefined) continue
  counts.failed += 1
  console.log(`${place}: ${text} takes more than linear time on repeated ${slow}.`)
}
const unused = [...bounded.keys()].filter((text) => !found.has(text))
for (const text of unused) console.log(`${text} is listed as an exception and no longer exists.`)
console.log(
  `${found.size} patterns: ${counts.proven} proven, ${counts.measured} measured, ${bounded.size} exceptions, ${counts.failed} too slow.`,
)
process.exitCode = counts.failed + unused.length > 0 ? 1 : 0
