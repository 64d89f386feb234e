import PostalMime, { type Address } from 'postal-mime'
import { corrupt } from '../errors.ts'
import { collapseWhitespace, pageBuilder } from '../page-builder.ts'
import type { Parser } from '../parser.ts'
import { appendHtml } from './html.ts'

/** Parses e-mail: subject, sender, recipients, date, the text (else the HTML) and the names of attachments. */
export const parseEml: Parser = async ({ bytes, textBudget }) => {
  const mail = await PostalMime.parse(await bytes(), { attachmentEncoding: 'arraybuffer' })
  if (mail.headers.length === 0) throw corrupt('it has none of the headers of a mail')
  const page = pageBuilder(textBudget)
  const subject = collapseWhitespace(mail.subject ?? '')
  page.heading(1, subject)
  const about: [string, string][] = [
    ['From', addresses(mail.from ? [mail.from] : [])],
    ['To', addresses(mail.to ?? [])],
    ['Cc', addresses(mail.cc ?? [])],
    ['Date', collapseWhitespace(mail.date ?? '')],
  ]
  for (const [name, value] of about) if (value) page.line(`${name}: ${value}`)
  if (mail.text?.trim())
    for (const paragraph of mail.text.replaceAll(/\r\n?/g, '\n').split(/\n{2,}/))
      page.paragraph(paragraph.trim())
  else if (mail.html) appendHtml(page, mail.html)
  for (const { filename, mimeType } of mail.attachments)
    page.line(`Attachment: ${collapseWhitespace(filename ?? '') || mimeType}`)
  return { title: subject || null, paged: false, pages: [page.page(1)] }
}

const addresses = (list: Address[]): string =>
  list
    .map((address) =>
      address.group
        ? addresses(address.group)
        : collapseWhitespace(address.address ? `${address.name} <${address.address}>` : address.name),
    )
    .join(', ')
