/** Returns a PDF with one page per text, in lines of up to 90 characters. */
export function createPdf(pages: string[]): Uint8Array<ArrayBuffer> {
  const objects: string[] = []
  const add = (body: string) => objects.push(body)
  const kids = pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ')
  add('<< /Type /Catalog /Pages 2 0 R >>')
  add(`<< /Type /Pages /Count ${pages.length} /Kids [${kids}] >>`)
  add('<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>')
  for (const [i, text] of pages.entries()) {
    const lines = linesOf(text).map((line) => `(${line.replace(/[\\()]/g, '\\$&')}) '`)
    const content = `BT /F1 11 Tf 14 TL 60 780 Td\n${lines.join('\n')}\nET`
    add(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${5 + 2 * i} 0 R ` +
        '/Resources << /Font << /F1 3 0 R >> >> >>',
    )
    add(`<< /Length ${content.length} >>\nstream\n${content}\nendstream`)
  }
  return buildPdf(objects)
}

/** Returns a PDF of objects, numbered from 1; the first is the catalog. `trailer` is added to the trailer dictionary. */
export function buildPdf(objects: string[], trailer = ''): Uint8Array<ArrayBuffer> {
  let file = '%PDF-1.4\n'
  const offsets = objects.map((body, i) => {
    const offset = file.length
    file += `${i + 1} 0 obj\n${body}\nendobj\n`
    return `${String(offset).padStart(10, '0')} 00000 n \n`
  })
  const table = file.length
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`
  file += `trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${table}\n%%EOF\n`
  return Uint8Array.from(file, (character) => character.charCodeAt(0))
}

function linesOf(text: string): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line.length + word.length > 89) {
        lines.push(line)
        line = ''
      }
      line += line === '' ? word : ` ${word}`
    }
    lines.push(line)
  }
  return lines
}
