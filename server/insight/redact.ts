/** What would tell who asked, or how to reach somebody: e-mail addresses, links, handles, and numbers as long as a telephone's. */
const telling = [
  /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu,
  /\b(?:https?:\/\/|www\.)\S+/giu,
  /(?<![\p{L}\p{N}])@[\p{L}\p{N}_-]{2,}/gu,
  /\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){3,}(?: ?[A-Z\d]{1,4})?\b/gu,
  /(?<![\p{L}\p{N}])\+?\d(?:[\s()./-]{0,2}\d){6,}(?!\p{N})/gu,
]

/** A question without what tells who somebody is, as far as that can be seen in its letters. */
export const redact = (text: string): string =>
  telling.reduce((rest, pattern) => rest.replaceAll(pattern, '…'), text).trim()
