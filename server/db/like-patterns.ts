/**
 * Returns patterns for `ilike any(…)` that match a text anywhere, with its wildcards escaped. A database with the
 * locale C folds only the case of ASCII letters, so the patterns include the usual spellings of other letters.
 */
export function likePatterns(text: string): string[] {
  const lower = text.toLowerCase()
  const capital = lower.replace(/(?<!\p{L})\p{L}/gu, (letter) => letter.toUpperCase())
  return [...new Set([text, lower, capital, text.toUpperCase()])].map(
    (spelling) => `%${spelling.replace(/[\\%_]/g, '\\$&')}%`,
  )
}
