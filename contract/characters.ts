/** As people count: a character is one even where UTF-16 takes two units for it. */
export const charactersIn = (text: string): number => {
  let count = 0
  for (const _ of text) count += 1
  return count
}
