import PostalMime, { type Address } from 'postal-mime'
import type { Format } from '../format.ts'
import { inline, pageText } from '../page-text.ts'
import { corrupt } from '../unreadable.ts'
import { htmlInto } from './html.ts'

/** A mail: subject, sender, recipients and date, its text (or its HTML as text), and the names of what is attached. */
export const readEml: Format = async ({ bytes, spent }) => {
  const mail = await PostalMime.parse(await bytes(), { attachmentEncoding: 'arraybuffer' })
  if (mail.headers.length === 0) throw corrupt('it has none of the headers of a mail')
  const page = pageText(spent)
  const subject = inline(mail.subject ?? '')
  page.heading(1, subject)
  const about: [string, string][] = [
    ['From', addresses(mail.from ? [mail.from] : [])],
    ['To', addresses(mail.to ?? [])],
    ['Cc', addresses(mail.cc ?? [])],
    ['Date', inline(mail.date ?? '')],
  ]
  for (const [name, value] of about) if (value) page.line(`${name}: ${value}`)
  if (mail.text?.trim())
    for (const paragraph of mail.text.replaceAll(/\r\n?/g, '\n').split(/\n{2,}/))
      page.paragraph(paragraph.trim())
  else if (mail.html) htmlInto(page, mail.html)
  for (const { filename, mimeType } of mail.attachments)
    page.line(`Attachment: ${inline(filename ?? '') || mimeType}`)
  return { title: subject || null, paged: false, pages: [page.page(1)] }
}

const addresses = (list: Address[]): string =>
  list
    .map((address) =>
      address.group
        ? addresses(address.group)
        : inline(address.address ? `${address.name} <${address.address}>` : address.name),
    )
    .join(', ')
