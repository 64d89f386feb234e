import { splitSentences } from '../../models/index.ts'
import type { Statement } from './statements.ts'
import type { ContentTerm, TermReader, Weigh } from './terms.ts'

/** A passage that an answer was given. */
export type Source = { n: number; title: string; heading: string | null; text: string }

/** A statement with the passage that comes nearest to saying it. */
export type SupportedStatement = {
  text: string
  /** Which part of what it says stands in that passage, 0 … 1. */
  support: number
  citation: number | null
  supported: boolean
  /** Figures that stand in no passage. */
  unknownFigures: string[]
  /** How much it counts: its words. */
  weight: number
}

/** From this part on a statement counts as said by the passage: paraphrases seldom keep more than two words of three. */
const supportedFrom = 0.6
/** Sentences that are read together: a statement often joins two. */
const window = 3
/** A statement with a figure that no passage has is at most this well supported, whatever its other words. */
const withUnknownFigure = 0.4
const figureWeight = 2
const nameWeight = 1.5

/**
 * How well each statement is supported.
 *
 *     support = the most, over all stretches of three sentences of all passages, of
 *               Σ weight(word found in the stretch, its title or its headings) ⁄ Σ weight(word of the statement)
 *
 * A figure weighs 2, a name 1.5, any other word by how rare it is among the avee's passages (0.3 … 1.5): a statement
 * may be put in other words, but its figures and names have to be there. Figures are looked for in all of the passage,
 * as tables stand apart from what is said of them.
 */
export function ground(
  statements: Statement[],
  sources: Source[],
  reader: TermReader,
  weigh: Weigh,
): SupportedStatement[] {
  const known = sources.map((source) => {
    const around = reader.formsOf([source.title, source.heading ?? ''].join(' '))
    const sentences = splitSentences(source.text).map(({ text, header }) =>
      reader.formsOf(`${header ?? ''} ${text}`),
    )
    const figures = new Set(
      reader.contentOf(source.text).flatMap(({ form, isFigure }) => (isFigure ? [form] : [])),
    )
    const stretches = sentences.map((_, at) => union([around, ...sentences.slice(at, at + window)]))
    return { n: source.n, stretches, figures }
  })
  const weightOf = (word: ContentTerm) =>
    weigh(word.form) * (word.isFigure ? figureWeight : word.isName ? nameWeight : 1)

  return statements.map(({ text, words, cites }) => {
    const whole = words.reduce((sum, word) => sum + weightOf(word), 0)
    let best = { support: 0, n: null as number | null, cited: false }
    for (const source of known) {
      const cited = cites.includes(source.n)
      for (const stretch of source.stretches) {
        const there = words.filter(
          (word) => stretch.has(word.form) || (word.isFigure && source.figures.has(word.form)),
        )
        const support = there.reduce((sum, word) => sum + weightOf(word), 0) / whole
        if (support > best.support || (support === best.support && cited && !best.cited))
          best = { support, n: source.n, cited }
      }
    }
    const unknownFigures = words
      .filter((word) => word.isFigure && !known.some((source) => source.figures.has(word.form)))
      .map((word) => word.text)
    const support = unknownFigures.length > 0 ? Math.min(best.support, withUnknownFigure) : best.support
    return {
      text,
      support,
      citation: best.n,
      supported: support >= supportedFrom,
      unknownFigures,
      weight: words.length,
    }
  })
}

/** Support that counts as full: a statement is never its passage word for word. */
const fullSupport = 0.8

/**
 * The grounding of an answer: the mean over its statements, each weighted by its number of words, of
 * min(1, support ⁄ 0.8). Null when it states nothing.
 */
export function groundingOf(statements: { support: number; weight: number }[]): number | null {
  const whole = statements.reduce((sum, { weight }) => sum + weight, 0)
  if (whole === 0) return null
  return (
    statements.reduce((sum, { support, weight }) => sum + weight * Math.min(1, support / fullSupport), 0) /
    whole
  )
}

/** Cosines of two sentences in different languages that say the same lie above this in multilingual embedding models. */
const sameMeaning = 0.75

/** The same by meaning, for an answer in another language than its passages: cosines of sentence and passage sentence. */
export function groundByMeaning(
  statements: { statement: Statement; vector: Float32Array }[],
  sources: { n: number; figures: Set<string>; vectors: Float32Array[] }[],
): SupportedStatement[] {
  return statements.map(({ statement: { text, words }, vector }) => {
    let best = { cosine: 0, n: null as number | null }
    for (const { n, vectors } of sources)
      for (const other of vectors) {
        const cosine = dot(vector, other)
        if (cosine > best.cosine) best = { cosine, n }
      }
    const unknownFigures = words
      .filter((word) => word.isFigure && !sources.some(({ figures }) => figures.has(word.form)))
      .map((word) => word.text)
    const near = Math.min(1, best.cosine)
    const support = unknownFigures.length > 0 ? Math.min(near, withUnknownFigure) : near
    return {
      text,
      support,
      citation: best.n,
      supported: support >= sameMeaning,
      unknownFigures,
      weight: words.length,
    }
  })
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0)

function union(sets: Set<string>[]): Set<string> {
  const all = new Set<string>()
  for (const set of sets) for (const each of set) all.add(each)
  return all
}
