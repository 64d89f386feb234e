import type { ParsedContent } from './parser.ts'

/** Default titles that programs write. */
const generatedTitle =
  /^(?:untitled|unbenannt|sans titre|sin título|document\s*\d*|dokument\s*\d*|presentation\s*\d*|powerpoint[- ]pr[äe]sentation|book\s*\d*|slide\s*\d*|title|no title|microsoft (?:word|excel|powerpoint)\b.*|.*\.(?:docx?|pptx?|xlsx?|pdf|indd|qxd|tex|dvi|ps|rtf|odt))$/i
/** Two or three Latin letters are an abbreviation rather than a title; in other scripts they may be words. */
const abbreviation = /^[\x20-\x7e]{1,3}$/
const maxTitleCharacters = 200
/** A later heading describes only a part of the document. */
const maxHeadingOffset = 1_500
const maxHeadingLevel = 4

/** Returns the document's title: the title property unless a program generated it, otherwise the first heading. */
export function titleFor({ title, pages }: ParsedContent): string | null {
  const own = title?.replace(/\s+/g, ' ').trim() ?? ''
  if (/\p{L}{2}/u.test(own) && !generatedTitle.test(own) && !abbreviation.test(own))
    return own.slice(0, maxTitleCharacters)
  const [first] = pages
  const heading = first?.headings.find(
    ({ start, level, end }) => start < maxHeadingOffset && level <= maxHeadingLevel && end === undefined,
  )
  return heading && /\p{L}{2}/u.test(heading.text) ? heading.text.slice(0, maxTitleCharacters) : null
}
