import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compoundFileOf } from '../../../test/files/compound-file.ts'
import { temporaryFolder } from '../../../test/files/folder.ts'
import {
  docxOf,
  epubOf,
  odfOf,
  pptxOf,
  relations,
  sheetRows,
  slideShape,
  slideTable,
  wordParagraph,
  wordTable,
  xlsxOf,
} from '../../../test/files/office.ts'
import { headingsOf, limits, parseError, read, textOf } from '../../../test/files/parse.ts'
import { createLog } from '../../log.ts'
import { documentParser } from './index.ts'

describe('Word', () => {
  const styles =
    '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>' +
    '<w:style w:styleId="Mine"><w:name w:val="Chapter of mine"/><w:basedOn w:val="berschrift1"/></w:style>' +
    '<w:style w:styleId="Outlined"><w:name w:val="Outlined"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>' +
    '<w:style w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>' +
    '<w:style w:styleId="Bullets"><w:name w:val="List Bullet"/><w:pPr><w:numPr><w:numId w:val="9"/></w:numPr></w:pPr></w:style>'

  it('contains the descriptions of images', async () => {
    const image =
      '<w:p><w:r><w:drawing><wp:docPr id="1" name="x" descr="A bar chart"/></w:drawing></w:r></w:p>'
    expect(await textOf('a.docx', docxOf(`${image}${wordParagraph('Figure 1: Revenue')}`))).toBe(
      '![A bar chart]\n\nFigure 1: Revenue',
    )
  })

  it('takes headings from styles in any language', async () => {
    const body = ['berschrift1', 'Mine', 'Outlined', 'Loop']
      .map((style) => wordParagraph(`In ${style}`, style))
      .join('')
    expect(await headingsOf('a.docx', docxOf(body, { styles }))).toEqual([
      '1 In berschrift1',
      '1 In Mine',
      '3 In Outlined',
    ])
  })

  it('keeps lists as lines and table rows as lines with tabs', async () => {
    const nested = `<w:tbl><w:tr><w:tc>${wordParagraph('outer')}${wordTable([['inner a', 'inner b']])}</w:tc></w:tr></w:tbl>`
    const body =
      wordParagraph('Before') +
      wordParagraph('one', 'Bullets') +
      wordParagraph('two', 'Bullets') +
      wordTable([
        ['Name', 'Age'],
        ['Ada', '36'],
      ]) +
      nested
    expect(await textOf('a.docx', docxOf(body, { styles }))).toBe(
      'Before\n\n- one\n- two\n\nName\tAge\nAda\t36\n\nouter inner a inner b',
    )
  })

  it('repeats a label of merged rows in each, and names the columns of a group', async () => {
    const cell = (text: string, properties = '') =>
      `<w:tc><w:tcPr>${properties}</w:tcPr>${wordParagraph(text)}</w:tc>`
    const row = (...cells: string[]) => `<w:tr>${cells.join('')}</w:tr>`
    const table = `<w:tbl>${[
      row(cell('Port', '<w:vMerge w:val="restart"/>'), cell('2023', '<w:gridSpan w:val="2"/>')),
      row(cell('', '<w:vMerge/>'), cell('Ships'), cell('Tons')),
      row(cell('Narvik', '<w:vMerge w:val="restart"/>'), cell('120'), cell('4100')),
      row(cell('', '<w:vMerge w:val="continue"/>'), cell('121'), cell('4200')),
      row(cell('Bodø'), cell('77'), cell('1900')),
    ].join('')}</w:tbl>`
    const expected = 'Port\t2023\nPort\tShips\tTons\nNarvik\t120\t4100\nNarvik\t121\t4200\nBodø\t77\t1900'
    expect(await textOf('a.docx', docxOf(table))).toBe(expected)
    expect(await headingsOf('a.docx', docxOf(table))).toEqual(['9 Port | 2023 Ships | 2023 Tons'])
  })

  it('includes the numbers that Word computes', async () => {
    const level = (depth: number, format: string, text: string, start = 1) =>
      `<w:lvl w:ilvl="${depth}"><w:start w:val="${start}"/><w:numFmt w:val="${format}"/><w:lvlText w:val="${text}"/></w:lvl>`
    const numbering =
      `<w:abstractNum w:abstractNumId="1">${level(0, 'decimal', '%1.')}${level(1, 'decimal', '%1.%2')}</w:abstractNum>` +
      `<w:abstractNum w:abstractNumId="2">${level(0, 'lowerLetter', '%1)', 26)}${level(1, 'upperRoman', '(%2)')}${level(2, 'bullet', 'o')}</w:abstractNum>` +
      '<w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="2"/></w:num>' +
      '<w:num w:numId="3"><w:abstractNumId w:val="2"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="4"/></w:lvlOverride></w:num>'
    const numbered = `${styles}<w:style w:styleId="h2"><w:name w:val="heading 2"/><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr></w:style><w:style w:styleId="h1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>`
    const item = (list: number, depth: number, text: string) =>
      `<w:p><w:pPr><w:numPr><w:ilvl w:val="${depth}"/><w:numId w:val="${list}"/></w:numPr></w:pPr><w:r><w:t>${text}</w:t></w:r></w:p>`
    const items = [
      item(2, 0, 'z'),
      item(2, 0, 'aa'),
      item(2, 1, 'one'),
      item(2, 1, 'two'),
      item(2, 2, 'dot'),
      item(2, 0, 'bb'),
      item(3, 0, 'anew'),
    ]
    const heads = ['h1 First', 'h2 Under', 'h2 Again', 'h1 Second', 'h2 Under it'].map((head) =>
      wordParagraph(head.slice(3), head.slice(0, 2)),
    )
    const file = docxOf([...heads, ...items, item(0, 0, 'no list')].join(''), { styles: numbered, numbering })
    expect(await headingsOf('a.docx', file)).toEqual([
      '1 1. First',
      '2 1.1 Under',
      '2 1.2 Again',
      '1 2. Second',
      '2 2.1 Under it',
    ])
    expect((await textOf('a.docx', file)).split('\n\n').slice(5).join('\n\n')).toBe(
      'z) z\naa) aa\n  (I) one\n  (II) two\n    - dot\nbb) bb\nd) anew\n\nno list',
    )
  })

  it('omits deleted, hidden and duplicate content, and puts notes after their paragraph', async () => {
    const run = (inner: string) => `<w:r>${inner}</w:r>`
    const body = `<w:p>${run('<w:t>Kept</w:t>')}<w:del>${run('<w:delText>gone</w:delText>')}</w:del>${run('<w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t>')}${run(
      '<w:rPr><w:vanish w:val="0"/></w:rPr><w:t xml:space="preserve"> shown</w:t>',
    )}${run('<w:footnoteReference w:id="2"/>')}${run('<w:instrText>PAGE</w:instrText>')}${run(
      `<mc:AlternateContent><mc:Choice><w:txbxContent>${wordParagraph('Box')}</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>${wordParagraph('Box')}</w:txbxContent></mc:Fallback></mc:AlternateContent>`,
    )}</w:p>`
    const footnotes = `<w:footnote w:id="0" w:type="separator">${wordParagraph('---')}</w:footnote><w:footnote w:id="2">${wordParagraph('The note.')}</w:footnote>`
    expect(await textOf('a.docx', docxOf(body, { footnotes }))).toBe('Box\n\nKept shown\n\nThe note.')
  })

  it('takes the title from its properties unless a program generated it', async () => {
    const core = (title: string) => ({
      'docProps/core.xml': `<cp xmlns:dc="d"><dc:title>${title}</dc:title></cp>`,
    })
    const body = wordParagraph('A heading', 'berschrift1') + wordParagraph('text')
    expect((await read('a.docx', docxOf(body, { styles, parts: core('The plan') }))).title).toBe('The plan')
    expect(
      (await read('a.docx', docxOf(body, { styles, parts: core('Microsoft Word - x.doc') }))).title,
    ).toBe('A heading')
    expect((await read('a.docx', docxOf(wordParagraph('text')))).title).toBeNull()
  })

  it('never expands an entity', async () => {
    const bomb = `<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><w:document xmlns:w="w"><w:body>${wordParagraph('&b;')}</w:body></w:document>`
    const outside = bomb.replace('<!ENTITY a "ha">', '<!ENTITY a SYSTEM "file:///etc/hostname">')
    for (const xml of [bomb, outside])
      await expect(read('a.docx', docxOf('', { parts: { 'word/document.xml': xml } }))).rejects.toEqual(
        parseError('corrupt'),
      )
  })
})

describe('PowerPoint', () => {
  it('has a page per slide with title, tables, lists and notes', async () => {
    const document = await read(
      'a.pptx',
      pptxOf([
        {
          shapes:
            slideShape(['Year in review'], 'title') +
            slideShape(['First', 'Second'], 'body') +
            slideShape(['7'], 'sldNum'),
        },
        {
          shapes:
            slideShape(['Free box']) +
            slideTable([
              ['City', 'Rain'],
              ['Bergen', 'much'],
            ]),
          notes: 'Say hello.',
        },
        { shapes: slideShape(['Secret'], 'title'), hidden: true },
      ]),
    )
    expect(document).toMatchObject({ type: 'pptx', paged: true, title: 'Year in review' })
    expect(document.pages.map(({ page, text }) => [page, text])).toEqual([
      [1, 'Year in review\n\n- First\n- Second'],
      [2, 'Free box\n\nCity\tRain\nBergen\tmuch\n\nNotes: Say hello.'],
      [3, ''],
    ])
    expect(document.pages[0]?.headings).toEqual([{ start: 0, level: 1, text: 'Year in review' }])
  })

  it('repeats a label of merged rows in each', async () => {
    const table = slideTable([
      ['Port', 'Ships'],
      ['Narvik', '120'],
      ['', '121'],
    ]).replace(/<a:tc>(?=<a:txBody><a:p><a:r><a:t><)/, '<a:tc vMerge="1">')
    expect(await textOf('a.pptx', pptxOf([{ shapes: table }]))).toBe('Port\tShips\nNarvik\t120\nNarvik\t121')
  })

  it('reports slides of only images as a scan', async () => {
    const media = docxOf('<w:p/>', { parts: { 'word/media/image1.PNG': 'x' } })
    await expect(read('a.docx', media)).rejects.toEqual(parseError('no_text'))
    const thumbnail = docxOf('<w:p/>', { parts: { 'docProps/thumbnail.jpeg': 'x' } })
    await expect(read('a.docx', thumbnail)).rejects.toEqual(parseError('empty'))
  })

  it('is rejected with too many slides', async () => {
    const slides = Array.from({ length: 21 }, () => ({ shapes: slideShape(['x']) }))
    await expect(read('a.pptx', pptxOf(slides))).rejects.toEqual(parseError('too_many_pages'))
  })
})

describe('a chart', () => {
  const points = (values: (string | number)[]) =>
    values.map((value, i) => `<c:pt idx="${i}"><c:v>${value}</c:v></c:pt>`).join('')
  const series = (name: string, values: number[]) =>
    `<c:ser><c:tx><c:strCache>${points([name])}</c:strCache></c:tx><c:cat><c:strRef><c:strCache>${points(['2022', '2023'])}</c:strCache></c:strRef></c:cat><c:val><c:numRef><c:numCache>${points(values)}</c:numCache></c:numRef></c:val></c:ser>`
  const chart = `<c:chartSpace xmlns:c="c" xmlns:a="a"><c:chart><c:title><a:t>Tons </a:t><a:t>by year</a:t></c:title><c:plotArea><c:barChart>${series('North', [51, 61])}${series('South', [7])}</c:barChart><c:valAx><c:title><a:t>Tons</a:t></c:title></c:valAx></c:plotArea></c:chart></c:chartSpace>`
  const expected = 'Tons by year\n\n\tNorth\tSouth\n2022\t51\t7\n2023\t61'

  it('has a row per category in PowerPoint', async () => {
    const deck = pptxOf([{ shapes: slideShape(['Tonnage'], 'title') }], {
      'ppt/slides/_rels/slide1.xml.rels': relations(['chart', '../charts/chart1.xml']),
      'ppt/charts/chart1.xml': chart,
    })
    expect(await textOf('a.pptx', deck)).toBe(`Tonnage\n\n${expected}`)
  })

  it('has a row per category in Word, where it stands', async () => {
    const body = `${wordParagraph('Before')}<w:p><w:r><w:drawing><c:chart xmlns:c="c" xmlns:r="r" r:id="rId1"/></w:drawing></w:r></w:p>${wordParagraph('After')}`
    const parts = {
      'word/_rels/document.xml.rels': relations(['chart', 'charts/chart1.xml']),
      'word/charts/chart1.xml': chart,
    }
    expect(await textOf('a.docx', docxOf(body, { parts }))).toBe(`Before\n\n${expected}\n\nAfter`)
  })
})

describe('Excel', () => {
  const styles =
    '<numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="[Red]0.0%"/><numFmt numFmtId="166" formatCode="#,##0 &quot;days&quot;"/></numFmts>' +
    `<cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs>${[0, 14, 164, 165, 166, 20, 22].map((id) => `<xf numFmtId="${id}"/>`).join('')}</cellXfs>`
  const row = (cells: [style: number, value: number][]) =>
    `<row>${cells.map(([s, v]) => `<c s="${s}"><v>${v}</v></c>`).join('')}</row>`

  it('formats values as their cells do', async () => {
    const rows = row([
      [0, 0.1 + 0.2],
      [1, 45_356],
      [2, 45_356.5],
      [3, 0.125],
      [4, 12],
      [5, 0.25],
      [6, 45_356.75],
    ])
    expect(await textOf('a.xlsx', xlsxOf([{ name: 'S', rows }], { styles }))).toBe(
      'S\n\n0.3\t2024-03-05\t2024-03-05 12:00:00\t12.5%\t12\t06:00:00\t2024-03-05 18:00:00',
    )
    expect(
      await textOf('a.xlsx', xlsxOf([{ name: 'S', rows: row([[1, 0]]) }], { styles, since1904: true })),
    ).toContain('1904-01-01')
  })

  it('has a page per visible sheet and keeps column positions', async () => {
    const sparse =
      '<row r="1"><c r="C1" t="s"><v>0</v></c><c r="F1" t="b"><v>1</v></c></row><row r="2"><c r="F2" t="str"><v>formula</v></c></row>'
    const document = await read(
      'a.xlsx',
      xlsxOf(
        [
          { name: 'One', rows: sparse },
          { name: 'Hidden', rows: sparse, state: 'veryHidden' },
          { name: 'Two', rows: sheetRows([['x']]) },
        ],
        {
          strings: ['shared'],
        },
      ),
    )
    expect(document.paged).toBe(true)
    expect(document.pages.map(({ text }) => text)).toEqual(['One\n\nshared\tTRUE\n\tformula', 'Two\n\nx'])
  })

  it('makes the column names a heading of all rows, also below a title', async () => {
    const rows = [
      ['Staff list'],
      [],
      ['Name', 'Town', 'Age'],
      ...Array.from({ length: 60 }, (_, i) => [`Person ${i}`, `Town ${i}`, i]),
    ]
    expect(await headingsOf('a.xlsx', xlsxOf([{ name: 'People', rows: sheetRows(rows) }]))).toEqual([
      '1 People',
      '9 Name | Town | Age',
    ])
  })
})

describe('merged cells of Excel', () => {
  it('repeat a label in each row, and name the columns of a group', async () => {
    const rows = sheetRows([
      ['Region', '', '2023', '', '2024', ''],
      ['', '', 'Q1', 'Q2', 'Q1', 'Q2'],
      ['North', 'Oslo', 1, 2, 3, 4],
      ['', 'Bergen', 5, 6, 7, 8],
      ['South', 'Rome', 9, 10, 11, 12],
    ])
    const merged = ['A1:B2', 'C1:D1', 'E1:F1', 'A3:A4', 'A6:A1048576', 'ZZ'].map(
      (range) => `<mergeCell ref="${range}"/>`,
    )
    const file = xlsxOf([{ name: 'Ports', rows: `${rows}<mergeCells>${merged.join('')}</mergeCells>` }])
    expect((await textOf('a.xlsx', file)).split('\n').slice(-3)).toEqual([
      'North\tOslo\t1\t2\t3\t4',
      'North\tBergen\t5\t6\t7\t8',
      'South\tRome\t9\t10\t11\t12',
    ])
    expect(await headingsOf('a.xlsx', file)).toEqual([
      '1 Ports',
      '9 Region | 2023 Q1 | 2023 Q2 | 2024 Q1 | 2024 Q2',
    ])
  })
})

describe('OpenDocument', () => {
  it('parses headings, lists, tables and notes of a text document', async () => {
    const body =
      '<text:tracked-changes><text:p>struck</text:p></text:tracked-changes><text:h text:outline-level="2">Chapter</text:h>' +
      '<text:p>One<text:s/>two<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A note.</text:p></text:note-body></text:note></text:p>' +
      '<text:list><text:list-item><text:p>a</text:p><text:list><text:list-item><text:p>b</text:p></text:list-item></text:list></text:list-item></text:list>' +
      '<table:table><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell><table:table-cell><text:p>y</text:p></table:table-cell></table:table-row></table:table>'
    expect(await textOf('a.odt', odfOf('text', body))).toBe(
      'Chapter\n\nOne two\n\nA note.\n\n- a\n  - b\n\nx\ty',
    )
    expect(await headingsOf('a.odt', odfOf('text', body))).toEqual(['2 Chapter'])
  })

  it('has a page per sheet and slide', async () => {
    const cell = (text: string, repeat = 1) =>
      `<table:table-cell table:number-columns-repeated="${repeat}"><text:p>${text}</text:p></table:table-cell>`
    const sheet = (name: string) =>
      `<table:table table:name="${name}"><table:table-row>${cell('a')}${cell('')}${cell('b', 2)}<table:table-cell table:number-columns-repeated="16000"/></table:table-row></table:table>`
    expect(await textOf('a.ods', odfOf('spreadsheet', sheet('S1') + sheet('S2')))).toBe(
      'S1\n\na\tb\tb\fS2\n\na\tb\tb',
    )
    const slide = (title: string) =>
      `<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>${title}</text:p></draw:text-box></draw:frame></draw:page>`
    expect(await headingsOf('a.odp', odfOf('presentation', slide('One') + slide('Two')))).toEqual([
      '1 One',
      '1 Two',
    ])
  })

  it('reports password protection', async () => {
    const manifest = '<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>'
    await expect(read('a.odt', odfOf('text', '<text:p>?</text:p>', manifest))).rejects.toEqual(
      parseError('encrypted'),
    )
  })
})

describe('EPUB', () => {
  const chapters = {
    'b two.xhtml':
      '<html><head><title/><script src="x"/></head><body><h1>One</h1><p>First.</p></body></html>',
    'a.xhtml': '<h1>Two</h1><p>Second.</p>',
  }

  it('follows the order of its spine', async () => {
    const document = await read('a.epub', epubOf('The book', chapters))
    expect(document).toMatchObject({ type: 'epub', title: 'The book', paged: false })
    expect(document.pages.map(({ text }) => text)).toEqual(['One\n\nFirst.\n\nTwo\n\nSecond.'])
  })

  it('is rejected with copy protection and accepted with obfuscated fonts', async () => {
    const locked = (path: string) => ({
      'META-INF/encryption.xml': `<e><CipherReference URI="${path}"/></e>`,
    })
    await expect(read('a.epub', epubOf('x', chapters, locked('OEBPS/a.xhtml')))).rejects.toEqual(
      parseError('unsupported_type'),
    )
    expect(await textOf('a.epub', epubOf('x', chapters, locked('OEBPS/font.otf')))).toContain('Second.')
  })
})

describe('Office before 2007', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  beforeAll(async () => {
    folder = await temporaryFolder()
  })
  afterAll(() => folder[Symbol.asyncDispose]())

  const old = (stream: string) => compoundFileOf({ [stream]: Buffer.alloc(5_000) })
  async function outcomeWith(searchPath: string, name: string, content: Buffer) {
    await using parser = documentParser({ limits, concurrency: 1, log: createLog('silent'), searchPath })
    const { signal } = new AbortController()
    return await parser.read(await folder.write(name, content), name, { signal })
  }

  /** Installs a program that takes the arguments of LibreOffice and writes `result`, if any, instead of converting. */
  async function install(result?: Buffer): Promise<string> {
    const path = result && (await folder.write('converted', result))
    const script = path ? `cp '${path}' "$7/$(basename "$8").$5"` : 'exit 0'
    await writeFile(join(folder.path, 'soffice'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    return [folder.path, '/usr/bin', '/bin'].join(delimiter)
  }

  it.each([
    ['doc', 'WordDocument', docxOf(wordParagraph('Hello')), 'Hello'],
    ['xls', 'Workbook', xlsxOf([{ name: 'S', rows: sheetRows([['x']]) }]), 'S\n\nx'],
    ['ppt', 'PowerPoint Document', pptxOf([{ shapes: slideShape(['Year'], 'title') }]), 'Year'],
  ])('is converted by LibreOffice: %s', async (type, stream, converted, text) => {
    const outcome = await outcomeWith(await install(converted), 'upload', old(stream))
    expect(outcome).toMatchObject({ ok: true, document: { type, pages: [{ text }] } })
  })

  it('is rejected without LibreOffice, and when that fails', async () => {
    expect(await outcomeWith('/nowhere', 'a.doc', old('WordDocument'))).toMatchObject({
      code: 'unsupported_type',
      message: expect.stringContaining(
        'LibreOffice is not installed on this server. Install it, or save the file as .docx',
      ) as string,
    })
    expect(await outcomeWith(await install(), 'a.doc', old('WordDocument'))).toMatchObject({
      code: 'corrupt',
    })
    await expect(read('a.doc', old('Unknown'))).rejects.toEqual(parseError('unsupported_type'))
    await expect(read('a.doc', old('EncryptedPackage'))).rejects.toEqual(parseError('encrypted'))
  })
})
