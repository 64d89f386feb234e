/** Finds a quotation in a text regardless of whitespace, quotation marks and case; offsets are UTF-16 code units of the text. */
export function findQuotation(text: string, quotation: string): { start: number; end: number } | undefined {
  const quoted = fold(withoutMarks(quotation)).folded.trim()
  if (quoted === '') return undefined
  const { folded, offsets } = fold(text)
  const at = folded.indexOf(quoted)
  const start = offsets[at]
  const last = offsets[at + quoted.length - 1]
  return at < 0 || start === undefined || last === undefined ? undefined : { start, end: last + 1 }
}

/** Removes quotation marks around the whole. */
const withoutMarks = (quotation: string): string =>
  /^["“„«].*["”“»]$/su.test(quotation) ? quotation.slice(1, -1) : quotation

/** Lower case, single spaces and straight quotation marks, with the offset in the text of each code unit. */
function fold(text: string): { folded: string; offsets: number[] } {
  const offsets: number[] = []
  const forms: string[] = []
  for (let i = 0; i < text.length; i++) {
    const form = foldUnit(text.charAt(i))
    if (form === ' ' && forms.at(-1) === ' ') continue
    for (let k = 0; k < form.length; k++) offsets.push(i)
    forms.push(form)
  }
  return { folded: forms.join(''), offsets }
}

const apostrophes = /[’‘‛ʼ`´]/
const quotationMarks = /[“”„‟«»]/

const foldUnit = (unit: string): string => {
  if (/\s/.test(unit)) return ' '
  if (apostrophes.test(unit)) return "'"
  return quotationMarks.test(unit) ? '"' : unit.toLowerCase()
}
