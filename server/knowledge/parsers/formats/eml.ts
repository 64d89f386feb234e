import PostalMime, { type Address } from 'postal-mime'
import { corrupt } from '../errors.ts'
import { collapseWhitespace, type PageBuilder, pageBuilder } from '../page-builder.ts'
import type { Parser } from '../parser.ts'
import { appendHtml } from './html.ts'

/**
 * Parses e-mail: subject, sender, recipients, date, the text (or the HTML if there is none) and the names of
 * attachments.
 */
export const parseEml: Parser = async ({ bytes, textBudget }) => {
  const page = pageBuilder(textBudget)
  const title = await appendMail(page, await bytes())
  if (title === undefined) throw corrupt('it has none of the headers of a mail')
  return { title: title || null, paged: false, pages: [page.page(1)] }
}

/** Appends a mail in the format of RFC 5322 and returns its subject; undefined if it has no headers. */
export async function appendMail(page: PageBuilder, bytes: Buffer): Promise<string | undefined> {
  const mail = await PostalMime.parse(bytes, { attachmentEncoding: 'arraybuffer' })
  if (mail.headers.length === 0) return undefined
  return writeMail(page, {
    subject: mail.subject ?? '',
    about: {
      From: addresses(mail.from ? [mail.from] : []),
      To: addresses(mail.to ?? []),
      Cc: addresses(mail.cc ?? []),
      Date: mail.date ?? '',
    },
    text: mail.text ?? '',
    html: mail.html ?? '',
    attachments: mail.attachments.map(({ filename, mimeType }) => filename || mimeType),
  })
}

/** Writes the parts of a mail, the HTML only if there is no text, and returns the subject. */
export function writeMail(
  page: PageBuilder,
  mail: {
    subject: string
    about: Record<string, string>
    text: string
    html: string
    attachments: string[]
  },
): string {
  const subject = collapseWhitespace(mail.subject)
  page.heading(1, subject)
  for (const [name, value] of Object.entries(mail.about))
    if (value.trim()) page.line(`${name}: ${collapseWhitespace(value)}`)
  if (mail.text.trim())
    for (const paragraph of mail.text.replaceAll(/\r\n?/g, '\n').split(/\n{2,}/))
      page.paragraph(paragraph.trim())
  else appendHtml(page, mail.html)
  for (const name of mail.attachments) page.line(`Attachment: ${collapseWhitespace(name)}`)
  return subject
}

const addresses = (list: Address[]): string =>
  list
    .map((address) =>
      address.group
        ? addresses(address.group)
        : collapseWhitespace(address.address ? `${address.name} <${address.address}>` : address.name),
    )
    .join(', ')
