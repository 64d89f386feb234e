/** File extensions by media type. */
const extensions: Record<string, string> = {
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'application/pdf': 'pdf',
  'text/plain': 'txt',
  'text/markdown': 'md',
  'text/x-markdown': 'md',
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
  'application/json': 'json',
  'application/ld+json': 'json',
  'application/xml': 'xml',
  'text/xml': 'xml',
  'application/epub+zip': 'epub',
  'message/rfc822': 'eml',
  'application/mbox': 'mbox',
  'application/vnd.ms-outlook': 'msg',
  'application/rtf': 'rtf',
  'text/rtf': 'rtf',
  'application/msword': 'doc',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.ms-powerpoint': 'ppt',
  'application/x-ipynb+json': 'ipynb',
  'application/x-subrip': 'srt',
  'text/vtt': 'vtt',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/vnd.oasis.opendocument.spreadsheet': 'ods',
  'application/vnd.oasis.opendocument.presentation': 'odp',
}

/** Returns a file name, which selects the parser, by the media type, or by the URL if that is missing or generic. */
export function nameOfPage(
  url: string,
  contentType: string,
  typeOf: (name: string) => string | undefined,
): string {
  const { hostname, pathname } = new URL(url)
  const last = decoded(pathname.split('/').findLast((part) => part !== '') ?? hostname)
  const extension = extensions[contentType]
  const typeOfName = typeOf(last)
  if (extension === undefined)
    return typeOfName === undefined && contentType.startsWith('text/') ? `${last}.txt` : last
  const agrees =
    typeOfName !== undefined &&
    (typeOfName === extension || (extension === 'txt' && contentType === 'text/plain'))
  return agrees ? last : `${last}.${extension}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
