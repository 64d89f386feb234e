/** Counts characters as people do: a surrogate pair is one character. */
export const charactersIn = (text: string): number => {
  let count = 0
  for (const _ of text) count += 1
  return count
}
