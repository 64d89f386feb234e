import type { Db } from '../../db/index.ts'
import type { Term } from '../../search/index.ts'
import { forgivenSlips, slipsBetween } from '../../search/index.ts'
import { type Scope, wordsLike } from '../store/search.ts'
import type { CountedTerm } from './by-words.ts'

/** Of the words that a misspelt one may have meant so many are tried. */
const mostGuesses = 3
/** A guess weighs less than a word that was written as it stands. */
const guessWeight = 0.7

/** Words of a question that stand nowhere, with what they probably meant; the same terms when there is nothing to mend. */
export async function mend(db: Db, scope: Scope, counted: CountedTerm[]): Promise<Term[]> {
  const terms: Term[] = []
  for (const { term, holding } of counted) {
    const [word] = term.forms.values()
    const slips = word === undefined || term.isFunctionWord ? 0 : forgivenSlips(word)
    if (holding > 0 || word === undefined || slips === 0) {
      terms.push(term)
      continue
    }
    const letters = [...word]
    // The first letter is rarely wrong; when it is, it is missing, or swapped with the second.
    const near = await wordsLike(db, scope, {
      first: [...new Set(letters.slice(0, 2))],
      shortest: letters.length - slips,
      longest: letters.length + slips,
    })
    const guesses = near
      .map((found) => ({ ...found, slips: slipsBetween(word, found.word, slips) }))
      .filter((found) => found.slips <= slips)
      .sort((a, b) => a.slips - b.slips || b.passages - a.passages)
    const closest = guesses.filter((guess) => guess.slips === guesses[0]?.slips).slice(0, mostGuesses)
    terms.push(
      closest.length === 0
        ? term
        : {
            ...term,
            forms: new Map(closest.map((guess) => [guess.term, guess.word])),
            weight: term.weight * guessWeight,
          },
    )
  }
  return terms
}
