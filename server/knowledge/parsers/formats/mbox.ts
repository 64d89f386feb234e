import { corrupt, tooManyPages } from '../errors.ts'
import { pageBuilder } from '../page-builder.ts'
import type { Parser } from '../parser.ts'
import { appendMail } from './eml.ts'

const separator = 'From '

/** Parses a mail archive in one of the mbox formats (RFC 4155): a page per message with its subject as heading. */
export const parseMbox: Parser = async ({ bytes, limits, textBudget, onPage }) => {
  const archive = await bytes()
  const starts = messageStarts(archive)
  if (starts.length > limits.pages) throw tooManyPages(starts.length, limits, 'messages')
  const pages = []
  let messages = 0
  for (const [i, start] of starts.entries()) {
    const page = pageBuilder(textBudget)
    const message = archive.subarray(archive.indexOf('\n', start) + 1, starts[i + 1] ?? archive.length)
    if ((await appendMail(page, withoutEscapes(message))) !== undefined) messages += 1
    pages.push(page.page(i + 1))
    onPage(i + 1, starts.length)
  }
  if (messages === 0) throw corrupt('none of its messages has the headers of a mail')
  return { title: null, paged: true, pages }
}

/** Returns the offsets of the lines that separate messages: the first, and those after an empty line. */
function messageStarts(archive: Buffer): number[] {
  const starts = archive.toString('latin1', 0, separator.length) === separator ? [0] : []
  for (
    let at = archive.indexOf(`\n${separator}`);
    at !== -1;
    at = archive.indexOf(`\n${separator}`, at + 1)
  ) {
    const before = archive[at - 1] === 0x0d ? at - 2 : at - 1
    if (archive[before] === 0x0a) starts.push(at + 1)
  }
  return starts
}

/** Removes the `>` that the format puts before lines of the text that begin with "From ". */
const withoutEscapes = (message: Buffer) =>
  message.includes(`\n>${separator}`)
    ? Buffer.from(message.toString('latin1').replaceAll(`\n>${separator}`, `\n${separator}`), 'latin1')
    : message
