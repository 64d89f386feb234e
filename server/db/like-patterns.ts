/**
 * Patterns for `ilike any(…)` that find a text anywhere, its signs taken as they are. A store whose locale is C folds
 * the case of a to z alone, so the usual spellings of other letters are looked for as well.
 */
export function likePatterns(text: string): string[] {
  const lower = text.toLowerCase()
  const capital = lower.replace(/(?<!\p{L})\p{L}/gu, (letter) => letter.toUpperCase())
  return [...new Set([text, lower, capital, text.toUpperCase()])].map(
    (spelling) => `%${spelling.replace(/[\\%_]/g, '\\$&')}%`,
  )
}
