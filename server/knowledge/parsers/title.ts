import type { ParsedContent } from './parser.ts'

/** Default titles that programs write. */
const noTitle =
  /^(?:untitled|unbenannt|sans titre|sin título|document\s*\d*|dokument\s*\d*|presentation\s*\d*|powerpoint[- ]pr[äe]sentation|book\s*\d*|slide\s*\d*|title|no title|microsoft (?:word|excel|powerpoint)\b.*|.*\.(?:docx?|pptx?|xlsx?|pdf|indd|qxd|tex|dvi|ps|rtf|odt))$/i
/** Two or three Latin letters are an abbreviation rather than a title; in other scripts they may be words. */
const shorthand = /^[\x20-\x7e]{1,3}$/
const longest = 200
/** A later heading describes only a part of the document. */
const atTheTop = 1_500
const highLevel = 4

/** Returns the document's title: the title property unless a program generated it, else the first heading. */
export function titleFor({ title, pages }: ParsedContent): string | null {
  const own = title?.replace(/\s+/g, ' ').trim() ?? ''
  if (/\p{L}{2}/u.test(own) && !noTitle.test(own) && !shorthand.test(own)) return own.slice(0, longest)
  const [first] = pages
  const heading = first?.headings.find(
    ({ start, level, end }) => start < atTheTop && level <= highLevel && end === undefined,
  )
  return heading && /\p{L}{2}/u.test(heading.text) ? heading.text.slice(0, longest) : null
}
