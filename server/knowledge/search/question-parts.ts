const capitalized = String.raw`[\p{Lu}\p{N}][\p{L}\p{M}\p{N}.'’&-]{0,40}`
const particle = '(?:of|the|in|for|de|del|la|le|du|des|von|van|der|di|da|&)'
const name = String.raw`(?:(?:the|der|die|das|le|la|el)\s)?${capitalized}(?:\s(?:${particle}\s){0,2}${capitalized}){0,8}`
const conjunction = '(?:and|or|und|oder|et|ou|y|o|e|и|или|vs|versus)'
/** "A or B", "A, B and C" */
const list = new RegExp(String.raw`${name}(?:,\s${name}){0,3},?\s${conjunction}\.?\s${name}`, 'u')
const separator = new RegExp(String.raw`,\s(?:${conjunction}\s)?|\s${conjunction}\.?\s`, 'u')
const firstWord = /^\p{L}+/u
/** A conjunction before a question word, in the languages of the page whose questions begin with such words. */
const clause =
  /,?\s(?:and|und|et|y|e|en|и)\s(?=(?:who|what|when|where|which|how|why|wer|was|wann|wo|wie|welche[rs]?|qui|quand|où|combien|quel(?:le)?s?|qué|cuándo|dónde|cuánt[oa]s?|cuál(?:es)?|chi|quando|dove|quant[oaie]|quem|onde|wie|wat|wanneer|waar|hoeveel|кто|что|когда|где|сколько)(?![\p{L}\p{M}]))/iu
/** The maximum number of parts; with more, each would get too small a share of the prompt. */
const maxParts = 4
/** Longer texts are more than one question. */
const maxCharacters = 400

/**
 * Returns the parts of a question that needs several passages: its clauses ("who … and when …"), or the question with
 * one of its listed items each ("A or B", "A, B and C"). Returns none for a question about one thing.
 */
export function partsOf(question: string): string[] {
  if (question.length > maxCharacters) return []
  const clauses = question.split(clause)
  if (clauses.length > 1) return clauses.slice(0, maxParts)
  const found = list.exec(question.replace(firstWord, (word) => word.toLowerCase()))
  if (!found) return []
  const [before, after] = [question.slice(0, found.index), question.slice(found.index + found[0].length)]
  return found[0]
    .split(separator)
    .slice(0, maxParts)
    .map((item) => before + item + after)
}

/** Merges rankings: the first of each, then the second of each, without duplicates. */
export function interleave<Result extends { id: string }>(rankings: Result[][]): Result[] {
  const longest = Math.max(...rankings.map(({ length }) => length))
  const all = Array.from({ length: longest }, (_, i) =>
    rankings.flatMap((ranking) => ranking[i] ?? []),
  ).flat()
  return [...new Map(all.map((result) => [result.id, result])).values()]
}
