/**
 * Contact details: e-mail addresses (a local part has at most 64 characters, RFC 5321), links, handles, IBANs (at most
 * 34 characters, ISO 13616), and numbers with at least seven digits, such as phone and card numbers. Unbounded
 * quantifiers are only at the end of a pattern, so that matching takes linear time.
 */
export const contactDetails = [
  /[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,10}/gu,
  /\b(?:https?:\/\/|www\.)\S+/giu,
  /(?<![\p{L}\p{N}])@[\p{L}\p{N}_-]{2,}/gu,
  /\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{4}){3,7}(?: ?[A-Z\d]{1,4})?\b/gu,
  /(?<![\p{L}\p{N}])\+?\d(?:[\s()./-]{0,2}\d){6,}/gu,
]

/** Replaces contact details in a text by “…”. */
export const redact = (text: string): string =>
  contactDetails.reduce((rest, pattern) => rest.replaceAll(pattern, '…'), text).trim()
