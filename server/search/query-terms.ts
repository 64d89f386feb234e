import { termHasher } from './bm25.ts'
import { stemmerFor } from './stem.ts'
import { stopWordsOf } from './stop-words.ts'
import { tokenize } from './tokenize.ts'

/**
 * One word of a question. Documents in several languages are stemmed by several rules, so it has a form for each;
 * they count as one word.
 */
export type Term = { text: string; forms: Map<number, string>; weight: number; isFunctionWord: boolean }

/** What a word that only shapes the question weighs. */
const functionWordWeight = 0.2
/** Rules of more languages than that are not tried. */
const mostLanguages = 6

/** Turns questions into terms, for an avee whose documents are in these languages (ISO 639-3, the most frequent first). */
export async function queryAnalyzer(aveeId: string, languages: (string | null)[]) {
  const known = languages.length === 0 ? [null] : languages.slice(0, mostLanguages)
  const hash = termHasher(aveeId)
  const normalisers = await Promise.all(known.map(stemmerFor))
  const functionWords = known.map(stopWordsOf)

  return {
    hash,

    /** The words of a text, each once, in order. `weight` is what those count that say something. */
    termsOf(text: string, weight = 1): Term[] {
      const terms = new Map<string, Term>()
      for (const word of tokenize(text)) {
        if (word.kind === 'letter') continue
        const forms = new Map<number, string>()
        for (const normalise of normalisers) {
          const form = normalise(word.text)
          if (form !== '') forms.set(hash(form), form)
        }
        if (forms.size === 0) continue
        const lower = word.text.toLowerCase()
        const isFunctionWord = functionWords.some((set) => set.has(lower))
        const key = [...forms.keys()].sort((a, b) => a - b).join()
        const before = terms.get(key)
        if (before && !before.isFunctionWord) continue
        terms.set(key, {
          text: lower,
          forms,
          weight: weight * (isFunctionWord ? functionWordWeight : 1),
          isFunctionWord,
        })
      }
      return [...terms.values()]
    },
  }
}

export type Questioner = Awaited<ReturnType<typeof queryAnalyzer>>
