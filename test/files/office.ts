import { type ZipEntry, zipOf } from './zip.ts'

type Parts = Record<string, string | Uint8Array | ZipEntry>

const relationBase = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

/** Returns a relationships part with the ids rId1, rId2 … in the given order. */
export const relations = (...targets: [type: string, target: string][]) =>
  `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${targets
    .map(
      ([type, target], i) =>
        `<Relationship Id="rId${i + 1}" Type="${relationBase}/${type}" Target="${target}"/>`,
    )
    .join('')}</Relationships>`

const packageOf = (main: string, parts: Parts) =>
  zipOf({
    '[Content_Types].xml': '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
    '_rels/.rels': relations(['officeDocument', main]),
    ...parts,
  })

/** Returns a Word document with a body, style definitions by id, and further parts. */
export function docxOf(
  body: string,
  more: { styles?: string; footnotes?: string; numbering?: string; parts?: Parts } = {},
): Buffer {
  return packageOf('word/document.xml', {
    'word/document.xml': `<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="w" xmlns:mc="mc"><w:body>${body}</w:body></w:document>`,
    'word/_rels/document.xml.rels': relations(
      ['styles', 'styles.xml'],
      ['footnotes', 'footnotes.xml'],
      ['numbering', 'numbering.xml'],
    ),
    'word/styles.xml': `<w:styles xmlns:w="w">${more.styles ?? ''}</w:styles>`,
    'word/numbering.xml': `<w:numbering xmlns:w="w">${more.numbering ?? ''}</w:numbering>`,
    'word/footnotes.xml': `<w:footnotes xmlns:w="w">${more.footnotes ?? ''}</w:footnotes>`,
    ...more.parts,
  })
}

/** Returns a paragraph of a Word document, optionally with a style. */
export const wordParagraph = (text: string, style?: string) =>
  `<w:p>${style ? `<w:pPr><w:pStyle w:val="${style}"/></w:pPr>` : ''}<w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`

export const wordTable = (rows: string[][]) =>
  `<w:tbl>${rows
    .map((row) => `<w:tr>${row.map((cell) => `<w:tc>${wordParagraph(cell)}</w:tc>`).join('')}</w:tr>`)
    .join('')}</w:tbl>`

/** Returns a presentation with the shapes and optional notes of each slide, and further parts. */
export function pptxOf(
  slides: { shapes: string; notes?: string; hidden?: boolean }[],
  more: Parts = {},
): Buffer {
  const parts: Parts = {
    'ppt/presentation.xml': `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>${slides
      .map((_, i) => `<p:sldId id="${256 + i}" r:id="rId${i + 1}"/>`)
      .join('')}</p:sldIdLst></p:presentation>`,
    'ppt/_rels/presentation.xml.rels': relations(
      ...slides.map((_, i): [string, string] => ['slide', `slides/slide${i + 1}.xml`]),
    ),
  }
  for (const [i, { shapes, notes, hidden }] of slides.entries()) {
    const root = `xmlns:p="p" xmlns:a="a"${hidden ? ' show="0"' : ''}`
    parts[`ppt/slides/slide${i + 1}.xml`] =
      `<p:sld ${root}><p:cSld><p:spTree>${shapes}</p:spTree></p:cSld></p:sld>`
    if (notes === undefined) continue
    parts[`ppt/slides/_rels/slide${i + 1}.xml.rels`] = relations([
      'notesSlide',
      `../notesSlides/notes${i + 1}.xml`,
    ])
    parts[`ppt/notesSlides/notes${i + 1}.xml`] =
      `<p:notes xmlns:p="p" xmlns:a="a">${slideShape([notes], 'body')}${slideShape([String(i + 1)], 'sldNum')}</p:notes>`
  }
  return packageOf('ppt/presentation.xml', { ...parts, ...more })
}

export const slideShape = (paragraphs: string[], placeholder?: string) =>
  `<p:sp><p:nvSpPr><p:nvPr>${placeholder ? `<p:ph type="${placeholder}"/>` : ''}</p:nvPr></p:nvSpPr><p:txBody>${paragraphs
    .map((text) => `<a:p><a:r><a:t>${text}</a:t></a:r></a:p>`)
    .join('')}</p:txBody></p:sp>`

export const slideTable = (rows: string[][]) =>
  `<p:graphicFrame><a:tbl>${rows
    .map(
      (row) =>
        `<a:tr>${row.map((cell) => `<a:tc><a:txBody><a:p><a:r><a:t>${cell}</a:t></a:r></a:p></a:txBody></a:tc>`).join('')}</a:tr>`,
    )
    .join('')}</a:tbl></p:graphicFrame>`

export type TestSheet = { name: string; rows: string; state?: string }

/** Returns a workbook with the XML of each sheet's rows, shared strings and styles. */
export function xlsxOf(
  sheets: TestSheet[],
  more: { strings?: string[]; styles?: string; since1904?: boolean } = {},
): Buffer {
  const parts: Parts = {
    'xl/workbook.xml': `<workbook xmlns="x" xmlns:r="r"><workbookPr date1904="${more.since1904 ? 1 : 0}"/><sheets>${sheets
      .map(
        ({ name, state }, i) =>
          `<sheet name="${name}" sheetId="${i + 1}" r:id="rId${i + 1}"${state ? ` state="${state}"` : ''}/>`,
      )
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations(
      ...sheets.map((_, i): [string, string] => ['worksheet', `worksheets/sheet${i + 1}.xml`]),
      ['sharedStrings', 'sharedStrings.xml'],
      ['styles', 'styles.xml'],
    ),
    'xl/sharedStrings.xml': `<sst xmlns="x">${(more.strings ?? []).map((text) => `<si><t>${text}</t></si>`).join('')}</sst>`,
    'xl/styles.xml': `<styleSheet xmlns="x">${more.styles ?? ''}</styleSheet>`,
  }
  for (const [i, { rows }] of sheets.entries())
    parts[`xl/worksheets/sheet${i + 1}.xml`] =
      `<worksheet xmlns="x"><sheetData>${rows}</sheetData></worksheet>`
  return packageOf('xl/workbook.xml', parts)
}

/** Returns the XML of rows with inline strings and numbers. */
export const sheetRows = (rows: (string | number)[][]) =>
  rows
    .map(
      (row) =>
        `<row>${row
          .map((cell) =>
            typeof cell === 'number'
              ? `<c><v>${cell}</v></c>`
              : `<c t="inlineStr"><is><t>${cell}</t></is></c>`,
          )
          .join('')}</row>`,
    )
    .join('')

/** Returns an OpenDocument text, spreadsheet or presentation. */
export const odfOf = (kind: 'text' | 'spreadsheet' | 'presentation', body: string, manifest = '') =>
  zipOf({
    mimetype: { data: `application/vnd.oasis.opendocument.${kind}`, stored: true },
    'META-INF/manifest.xml': `<manifest:manifest xmlns:manifest="m">${manifest}</manifest:manifest>`,
    'content.xml': `<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="tb" xmlns:draw="d" xmlns:presentation="p"><office:body><office:${kind}>${body}</office:${kind}></office:body></office:document-content>`,
  })

/** Returns an EPUB with chapters by file name, in reading order. */
export const epubOf = (title: string, chapters: Record<string, string>, parts: Parts = {}) =>
  zipOf({
    mimetype: { data: 'application/epub+zip', stored: true },
    'META-INF/container.xml':
      '<container xmlns="c"><rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
    'OEBPS/content.opf': `<package xmlns="p" xmlns:dc="dc"><metadata><dc:title>${title}</dc:title></metadata><manifest>${Object.keys(
      chapters,
    )
      .toReversed()
      .map((name) => `<item id="${name}" href="${encodeURIComponent(name)}"/>`)
      .join('')}</manifest><spine>${Object.keys(chapters)
      .map((name) => `<itemref idref="${name}"/>`)
      .join('')}</spine></package>`,
    ...Object.fromEntries(Object.entries(chapters).map(([name, html]) => [`OEBPS/${name}`, html])),
    ...parts,
  })
