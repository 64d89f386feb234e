import { openCompoundFile, type Storage } from '../compound-file.ts'
import { decodeHtml, decodeText } from '../encoding.ts'
import { corrupt } from '../errors.ts'
import { pageBuilder } from '../page-builder.ts'
import type { Parser } from '../parser.ts'
import { writeMail } from './eml.ts'

/** Properties by their identifiers in [MS-OXPROPS]. */
const property = {
  subject: '0037',
  sender: '0C1A',
  senderAddress: '5D01',
  to: '0E04',
  cc: '0E03',
  text: '1000',
  html: '1013',
  attachmentName: '3707',
  shortAttachmentName: '3704',
}
const clientSubmitTime = 0x0039
const deliveryTime = 0x0e06
/** The types of string properties: UTF-16, and the code page of the sender. */
const unicodeType = '001F'
const codePageType = '001E'
const binaryType = '0102'
/** Bytes before the properties of a message, and of each property. */
const propertiesHeaderBytes = 32
const propertyBytes = 16

/** Parses Outlook messages ([MS-OXMSG]): the same parts as of a mail in the format of RFC 5322. */
export const parseMsg: Parser = async ({ bytes, textBudget }) => {
  const message = openCompoundFile(await bytes())
  const text = (id: string, of = message) => textOf(of, id)
  const page = pageBuilder(textBudget)
  const attachments = [...message.storages]
    .filter(([name]) => name.startsWith('__attach_'))
    .map(([, open]) => open())
    .map(
      (attachment) =>
        text(property.attachmentName, attachment) || text(property.shortAttachmentName, attachment),
    )
  const subject = writeMail(page, {
    subject: text(property.subject),
    about: {
      From: [text(property.sender), text(property.senderAddress) && `<${text(property.senderAddress)}>`].join(
        ' ',
      ),
      To: text(property.to),
      Cc: text(property.cc),
      Date: dateOf(message),
    },
    text: text(property.text),
    html: decodedHtml(message),
    attachments: attachments.filter((name) => name !== ''),
  })
  if (page.page(1).text === '') throw corrupt('it has no parts of a message')
  return { title: subject || null, paged: false, pages: [page.page(1)] }
}

const stream = (of: Storage, id: string, type: string) => of.streams.get(`__substg1.0_${id}${type}`)?.()

function textOf(of: Storage, id: string): string {
  const inCodePage = stream(of, id, codePageType)
  return (
    stream(of, id, unicodeType)?.toString('utf16le') ?? (inCodePage?.length ? decodeText(inCodePage) : '')
  )
}

function decodedHtml(message: Storage): string {
  const html = stream(message, property.html, binaryType)
  return html?.length ? decodeHtml(html) : textOf(message, property.html)
}

/** Returns when the message was sent or, if unknown, received, in ISO 8601. */
function dateOf(message: Storage): string {
  const properties = message.streams.get('__properties_version1.0')?.() ?? Buffer.alloc(0)
  const times = new Map<number, number>()
  for (let at = propertiesHeaderBytes; at + propertyBytes <= properties.length; at += propertyBytes)
    times.set(properties.readUInt16LE(at + 2), windowsTime(properties.readBigUInt64LE(at + 8)))
  const time = new Date(times.get(clientSubmitTime) ?? times.get(deliveryTime) ?? Number.NaN)
  return Number.isNaN(time.getTime()) ? '' : time.toISOString()
}

/** Converts tenths of a microsecond since 1601 to milliseconds since 1970. */
const windowsTime = (time: bigint) => Number(time / 10_000n) - 11_644_473_600_000
