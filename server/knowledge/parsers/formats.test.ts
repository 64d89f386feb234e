import { describe, expect, it } from 'vitest'
import { compoundFileOf, messageProperties, type Tree } from '../../../test/files/compound-file.ts'
import { docxOf, relations, wordParagraph } from '../../../test/files/office.ts'
import { headingsOf, parseError, read, textOf } from '../../../test/files/parse.ts'
import { zipOf } from '../../../test/files/zip.ts'

describe('HTML', () => {
  it('keeps headings, lists, rows and preformatted text, without scripts', async () => {
    const html = `<!doctype html><html><head><title>A  page</title><style>p{}</style></head><body><script>no()</script><h2>Top <i>news</i></h2>
      <p>One<br>two &amp; three</p><ol><li>first<ul><li>deep</li></ul></li><li>second</li></ol>
      <table><tr><th>Name</th><th>Age</th></tr><tr><td>Ada</td><td><p>36</p></td></tr></table><pre>a  b\n  c</pre><p>End`
    expect(await textOf('a.html', html)).toBe(
      'A page\n\nTop news\n\nOne\ntwo & three\n\n1. first\n  - deep\n2. second\n\nName\tAge\nAda\t36\n\na  b\n  c\n\nEnd',
    )
    expect(await read('a.html', html)).toMatchObject({ title: 'A page', type: 'html' })
  })

  it('omits what browsers do not display, except the other tabs', async () => {
    const html =
      '<p>Shown</p><p hidden>No</p><div style="color:red; display: none"><p>No</div><img hidden><div role="tabpanel" hidden>Tab</div><p hidden="until-found">Found'
    expect(await textOf('a.html', html)).toBe('Shown\n\nTab\n\nFound')
  })

  it('numbers a list from its start', async () => {
    expect(await textOf('a.html', '<ol start="3"><li>open<li>close</ol>')).toBe('3. open\n4. close')
  })

  it('contains its title once', async () => {
    const named = (body: string) => `<title>The mill</title>${body}`
    const table =
      '<h1>Prices</h1><table><tr><th>Rye</th><th>Oats</th></tr><tr><td>1</td><td>2</td></tr></table>'
    expect(await textOf('a.html', named('<h1>The mill</h1><p>It grinds.'))).toBe('The mill\n\nIt grinds.')
    expect(await headingsOf('a.html', named(table))).toEqual(['1 Prices', '9 Rye | Oats'])
    expect(await textOf('a.html', named(table))).toBe('The mill\n\nPrices\n\nRye\tOats\n1\t2')
  })

  it('is parsed at any nesting depth', async () => {
    for (const element of ['<div>', '<ul><li>', '<div></span>'])
      expect(await textOf('a.html', `<p>First${element.repeat(500_000)}<p>last`)).toMatch(/^First\s.*last$/s)
  })

  it('keeps the description of a figure with its caption', async () => {
    const image = '<img src="a.png" alt="A bar\n chart">'
    const html = `<p>Before <img alt="icon"> it.</p><figure>${image}<figcaption>Revenue by <b>year</b></figcaption></figure><p>After.</p>`
    expect(await textOf('a.html', html)).toBe('Before it.\n\n![A bar chart]\nRevenue by year\n\nAfter.')
    const above = `<figure><figcaption>Revenue</figcaption>${image}</figure>`
    expect(await textOf('a.html', above)).toBe('Revenue\n![A bar chart]')
  })

  describe('of a web page', () => {
    const webPage = async (html: string) => {
      const { title, pages } = await read('page.html', html, { isWebPage: true })
      return { title, text: pages[0]?.text }
    }
    const menu =
      '<header role="banner">Mill Museum</header><nav><ul><li><a href="/">Home</a></li><li>Visit</li></ul></nav>'
    const rest = '<aside>Read also: Barns</aside><footer>All rights reserved <form>Your mail?</form></footer>'
    const story = '<h1>The mill</h1><p>The mill grinds rye since 1742.</p><ul><li>Open on Mondays</li></ul>'
    const expected = 'The mill\n\nThe mill grinds rye since 1742.\n\n- Open on Mondays'

    it.each([
      ['main', `<body>${menu}<main>${story}${rest}</main>${rest}</body>`],
      ['an element with the role main', `<body>${menu}<div role="main">${story}</div>${rest}</body>`],
      ['an article', `<body>${menu}<div><article>${story}</article></div>${rest}</body>`],
      [
        'nothing, without marked menus',
        `<body>${menu}<div>${story}</div><div hidden>Accept cookies</div>${rest}</body>`,
      ],
    ])('is reduced to its main content, marked by %s', async (_, body) => {
      const html = `<html><head><title>The mill</title></head>${body}</html>`
      expect(await webPage(html)).toEqual({ title: 'The mill', text: expected })
      expect(await textOf('saved.html', html)).toContain('Mill Museum')
    })

    it('is parsed completely if the marked content is a small part', async () => {
      const html = `<html><body><main>Loading</main><div>${'The mill grinds rye. '.repeat(20)}</div></body></html>`
      expect((await webPage(html)).text).toContain('The mill grinds rye.')
      const inForm = `<html><body><form>${'The mill grinds rye. '.repeat(20)}</form></body></html>`
      expect((await webPage(inForm)).text).toContain('The mill grinds rye.')
    })
  })

  it('treats a table with a nested table as layout', async () => {
    const html =
      '<html><table><tr><td>Menu</td><td>Side<table><tr><td>a</td><td>b</td></tr></table><p>Tail</p></td></tr></table></html>'
    expect(await textOf('a.html', html)).toBe('Menu\tSide\na\tb\n\nTail')
  })

  it('repeats a label of several rows in each, and names the columns of a group', async () => {
    const html = `<table><tr><th rowspan=2>Port</th><th colspan=2>2023</th></tr><tr><th>Ships<th>Tons</tr>
      <tr><td rowspan=2>Narvik<td>120<td>4100</tr><tr><td>121<td rowspan=9>4200</tr><tr><td>Bodø<td>77</tr>
      <tr><td colspan=3>${'A long remark. '.repeat(9)}</table>`
    const [, ...rows] = (await textOf('a.html', html)).split('\n')
    expect(rows.slice(0, -1)).toEqual([
      'Port\tShips\tTons',
      'Narvik\t120\t4100',
      'Narvik\t121\t4200',
      'Bodø\t77\t4200',
    ])
    expect(await headingsOf('a.html', html)).toEqual(['9 Port | 2023 Ships | 2023 Tons'])
  })

  it('handles deep nesting and declared encodings', async () => {
    expect(await textOf('a.html', `<html>${'<div>'.repeat(50_000)}deep`)).toBe('deep')
    const latin = Buffer.from(
      '<html><meta charset="iso-8859-15"><p>Zwölf € für Käse</p>'.replace('€', '\u00a4'),
      'latin1',
    )
    expect(await textOf('a.html', latin)).toBe('Zwölf € für Käse')
  })
})

describe('e-mail', () => {
  const headers =
    'From: Ada <ada@example.org>\r\nTo: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nSubject: Harbour\r\nDate: Tue, 5 Mar 2024 10:00:00 +0000\r\nMIME-Version: 1.0\r\n'

  it('has sender, recipients, text and attachments', async () => {
    const body = `${headers}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nK=E4se.\r\n\r\nBye.\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename="plan.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n`
    expect(await textOf('a.eml', body)).toBe(
      'Harbour\n\nFrom: Ada <ada@example.org>\nTo: Jürgen <j@example.org>\nDate: 2024-03-05T10:00:00.000Z\n\nKäse.\n\nBye.\n\nAttachment: plan.pdf',
    )
  })

  it('converts HTML-only mail to text and is detected without an extension', async () => {
    const body = `${headers}Content-Type: text/html\r\n\r\n<p>Hello <b>you</b></p>`
    expect(await read('letter', body)).toMatchObject({ type: 'eml', title: 'Harbour' })
    expect(await textOf('letter', body)).toContain('Hello you')
  })
})

describe('a mail archive', () => {
  const messages = [
    'From ada@example.org Tue Mar  5 10:00:00 2024\nFrom: Ada <ada@example.org>\nSubject: Harbour\nDate: Tue, 5 Mar 2024 10:00:00 +0000\n\nIt opens.\n>From dawn on.\nFrom here it is far.\n',
    'From ben@example.org Wed Mar  6 10:00:00 2024\nFrom: Ben <ben@example.org>\nSubject: Mill\n\nIt grinds.\n',
  ]
  it.each(['\n', '\r\n'])('has a page per message with its subject as heading (%j)', async (newline) => {
    const archive = messages.join('\n').replaceAll('\n', newline)
    const document = await read('a.mbox', archive)
    expect(document).toMatchObject({ type: 'mbox', paged: true, title: 'Harbour' })
    expect(document.pages.map(({ page, text }) => [page, text.split('\n\n')])).toEqual([
      [
        1,
        [
          'Harbour',
          'From: Ada <ada@example.org>\nDate: 2024-03-05T10:00:00.000Z',
          'It opens.\nFrom dawn on.\nFrom here it is far.',
        ],
      ],
      [2, ['Mill', 'From: Ben <ben@example.org>', 'It grinds.']],
    ])
    expect(await read('inbox', archive)).toMatchObject({ type: 'mbox' })
  })

  it('is rejected without mails, or with too many messages', async () => {
    await expect(read('a.mbox', 'Just a note.')).rejects.toEqual(parseError('corrupt'))
    await expect(
      read('a.mbox', Array.from({ length: 11 }, () => messages.join('\n')).join('\n')),
    ).rejects.toMatchObject({
      message: expect.stringContaining('has 22 messages') as string,
    })
  })
})

describe('an Outlook message', () => {
  const utf16 = (text: string) => Buffer.from(text, 'utf16le')
  const message = (more: Tree = {}) =>
    compoundFileOf({
      '__properties_version1.0': messageProperties(Date.UTC(2024, 2, 5, 10)),
      '__substg1.0_0037001F': utf16('Harbour'),
      '__substg1.0_0C1A001F': utf16('Ada'),
      '__substg1.0_5D01001F': utf16('ada@example.org'),
      '__substg1.0_0E04001E': Buffer.from('J\xfcrgen', 'latin1'),
      '__attach_version1.0_#00000000': { '__substg1.0_3707001F': utf16('plan.pdf') },
      ...more,
    })

  it('has sender, recipients, time, text and attachments', async () => {
    const long = 'It opens at dawn. '.repeat(400)
    const document = await read('a.msg', message({ '__substg1.0_1000001F': utf16(long) }))
    expect(document).toMatchObject({ type: 'msg', title: 'Harbour', paged: false })
    expect(document.pages[0]?.text).toBe(
      `Harbour\n\nFrom: Ada <ada@example.org>\nTo: Jürgen\nDate: 2024-03-05T10:00:00.000Z\n\n${long.trim()}\n\nAttachment: plan.pdf`,
    )
  })

  it('converts HTML to text', async () => {
    const html = { '__substg1.0_10130102': Buffer.from('<p>Hello <b>you</b></p>') }
    expect(await textOf('letter', message(html))).toContain('Hello you')
  })

  it('is rejected when its chains repeat or it is truncated', async () => {
    const file = message()
    const looped = Buffer.from(file)
    const table = looped.readUInt32LE(76)
    for (let i = 0; i < table; i++) looped.writeUInt32LE(0, (table + 1) * 512 + i * 4)
    for (const damaged of [looped, file.subarray(0, 700)])
      await expect(read('a.msg', damaged)).rejects.toEqual(parseError('corrupt'))
  })
})

describe('Rich Text Format', () => {
  it('has headings, tables, notes, symbols and the title, in any code page', async () => {
    const rtf = String.raw`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}}{\stylesheet{\s1 heading 1;}}
{\info{\title The guide}{\author Ada}}{\*\generator Word;}
\pard\s1\outlinelevel0 First {\b steps}\par
\pard Zw\'f6lf \u8364?uro\~and {\f1\'cc\'e8\'f0}{\v hidden}.{\footnote A {\i note}.} Set \{x\}\line here\par
{\field{\*\fldinst HYPERLINK "http://x"}{\fldrslt a link}}{\pict\pngblip 89504e47}\par
\trowd\pard\intbl Name\cell Age\cell\row\trowd\pard\intbl Ada\par Lovelace\cell 36\cell\row
\pard Last\bin4 }{}{ one\par}`
    const document = await read('a.rtf', rtf)
    expect(document).toMatchObject({ type: 'rtf', title: 'The guide', paged: false })
    expect(document.pages[0]?.text).toBe(
      'First steps\n\nZwölf €uro and Мир. Set {x}\nhere\n\nA note.\n\na link\n\nName\tAge\nAda Lovelace\t36\n\nLast one',
    )
    expect(await headingsOf('letter', rtf)).toEqual(['1 First steps', '9 Name | Age'])
  })

  it('is read when truncated, and rejected without text', async () => {
    expect(await textOf('a.rtf', String.raw`{\rtf1 Hello {\b you`)).toBe('Hello you')
    await expect(read('a.rtf', String.raw`{\rtf1{\info{\title x}}}`)).rejects.toEqual(parseError('empty'))
  })
})

describe('a Jupyter notebook', () => {
  const code = (source: string | string[], outputs: object[] = []) => ({ cell_type: 'code', source, outputs })
  const notebook = {
    nbformat: 4,
    metadata: { language_info: { name: 'python' } },
    cells: [
      { cell_type: 'markdown', source: ['# Rain\n', 'How much?'] },
      code(
        ['1 + 1'],
        [{ output_type: 'execute_result', data: { 'text/plain': ['2'], 'image/png': 'iVBORw0' } }],
      ),
      code('# no heading', [{ output_type: 'error', ename: 'ValueError', evalue: 'no rain' }]),
      { cell_type: 'markdown', source: '## Snow' },
      code('print(3)', [{ output_type: 'stream', text: '3\n' }]),
    ],
  }

  it('has a page per text cell with its code and outputs, numbered by the cell', async () => {
    const document = await read('a.ipynb', JSON.stringify(notebook))
    expect(document).toMatchObject({ type: 'ipynb', title: 'Rain', paged: true })
    expect(
      document.pages.map(({ page, text, headings }) => [page, text, headings.map(({ level }) => level)]),
    ).toEqual([
      [
        1,
        '# Rain\nHow much?\n\n```python\n1 + 1\n```\n\n```\n2\n```\n\n```python\n# no heading\n```\n\n```\nValueError: no rain\n```',
        [1],
      ],
      [4, '## Snow\n\n```python\nprint(3)\n```\n\n```\n3\n```', [2]],
    ])
    expect(await read('a.json', JSON.stringify(notebook, null, 1))).toMatchObject({ type: 'ipynb' })
  })

  it('is rejected when its cells cannot be read', async () => {
    for (const content of ['{"cells": [', '{"cells": 5}', 'text'])
      await expect(read('a.ipynb', content)).rejects.toEqual(parseError('corrupt'))
  })
})

describe('subtitles', () => {
  const cue = (time: string, text: string) => `00:${time}.000 --> 00:59:59.000 align:start\n${text}\n`

  it('have a page per minute, up to the end of a sentence, with the time code as heading', async () => {
    const vtt = [
      'WEBVTT\n',
      'NOTE made by hand\n',
      cue('00:01', '<v Ada>It <i>opens</i>'),
      cue('00:58', '&amp; closes'),
      cue('01:02', 'at dawn.'),
      cue('01:05', 'It is far.'),
      cue('07:30', 'The end'),
    ].join('\n')
    const document = await read('a.vtt', vtt)
    expect(document).toMatchObject({ type: 'vtt', paged: true, title: null })
    expect(document.pages.map(({ page, text, headings }) => [page, headings[0]?.text, text])).toEqual([
      [1, '00:00:01', 'Ada: It opens\n& closes\nat dawn.'],
      [2, '00:01:05', 'It is far.'],
      [8, '00:07:30', 'The end'],
    ])
  })

  it('omit numbers, repeated lines and positions', async () => {
    const srt =
      '1\r\n00:00:01,000 --> 00:00:02,000\r\n{\\an8}One\r\n\r\n2\r\n00:00:02,000 --> 00:00:03,000\r\nOne\r\n<b>two</b>\r\n'
    expect(await textOf('a.srt', srt)).toBe('One\ntwo')
    expect(await read('a.txt', srt)).toMatchObject({ type: 'srt' })
    await expect(read('a.srt', 'Just a note.')).rejects.toEqual(parseError('corrupt'))
  })
})

describe('CSV and TSV', () => {
  it.each([
    ['a.csv', 'name;town\n"Lovelace; Ada";London\n'],
    ['a.csv', 'name,town\r\n"Lovelace; Ada",London\r\n'],
    ['a.tsv', 'name\ttown\nLovelace; Ada\tLondon\n'],
    ['a.csv', 'sep=|\r\nname|town\r\nLovelace; Ada|London\r\n'],
  ])('are parsed into rows with any separator: %s %j', async (name, content) => {
    expect(await textOf(name, content)).toBe('name\ttown\nLovelace; Ada\tLondon')
  })

  it('keep line breaks inside cells, and rows after an unclosed quotation mark', async () => {
    expect(await textOf('a.csv', 'a,b\n"x\ny",z\n')).toBe('a\tb\nx y\tz')
    expect(await textOf('a.csv', 'a,b\n"x,y\n1,2\n3,4\n')).toBe('a\tb\n"x\ty\n1\t2\n3\t4')
  })

  it('join the lines of column names above figures, groups of columns included', async () => {
    expect(await headingsOf('a.csv', ',Plan,Actual\nmillions,2023,2024\nSales,5,6\n')).toEqual([
      '9 millions | Plan 2023 | Actual 2024',
    ])
    expect(await headingsOf('a.csv', 'Plan,Actual\nLow,High,Low,High\n5,6,7,8\n')).toEqual([
      '9 Plan Low | Plan High | Actual Low | Actual High',
    ])
    expect(await headingsOf('a.csv', 'Name,2022,,,2023,,\n,a,b,c,a,b,c\nSales,1,2,3,4,5,6\n')).toEqual([
      '9 Name | 2022 a | 2022 b | 2022 c | 2023 a | 2023 b | 2023 c',
    ])
    expect(await headingsOf('a.csv', 'Item,Value\nColour,red\nWeight,12\n')).toEqual(['9 Item | Value'])
  })

  it('use the first row as heading of the others', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `Person ${i},Town ${i}`).join('\n')
    expect(await headingsOf('a.csv', `name,town\n${rows}`)).toEqual(['9 name | town'])
    expect(await headingsOf('a.csv', `1,2\n${rows}`)).toEqual([])
  })
})

describe('text', () => {
  it('keeps Markdown unchanged and finds its headings', async () => {
    const text =
      '---\ntitle: "The guide"\n---\n# One #\n\nText\n\nTwo\n---\n\n```sh\n# no heading\n```\n### [Three](x) `code`\n\n- item\n---\n'
    const document = await read('a.md', text)
    expect(document).toMatchObject({ type: 'md', title: 'The guide', paged: false })
    expect(document.pages[0]?.text).toBe(text)
    expect(document.pages[0]?.headings.map(({ level, text: heading }) => [level, heading])).toEqual([
      [1, 'One'],
      [2, 'Two'],
      [3, 'Three code'],
    ])
  })

  it('finds the column names of Markdown tables', async () => {
    const table = '| Name | *Town* |\n|:--|---:|\n| Ada | London |\n'
    const { pages } = await read('a.md', `# List\n\n${table}\nText | more\n---\n`)
    const start = '# List\n\n'.length
    expect(pages[0]?.headings[1]).toEqual({
      start,
      end: start + table.length - 1,
      level: 9,
      text: 'Name | Town',
    })
    expect(await headingsOf('b.md', '```\n| a |\n|---|\n```\n')).toEqual([])
  })

  it('finds headings of plain text in separate lines', async () => {
    const text =
      'Chapter 3: The sea\n\nIt was calm.\n\n2.1 The boat\n\nIt was small. See\nChapter 4\nfor more.\n\nTHE END OF IT\n\n = = Wiki = = \nText\n'
    expect(
      (await read('a.txt', text)).pages[0]?.headings.map(({ level, text: heading }) => `${level} ${heading}`),
    ).toEqual(['1 Chapter 3: The sea', '2 2.1 The boat', '2 THE END OF IT', '2 Wiki'])
  })

  it('finds no headings in code and splits one-line JSON', async () => {
    expect(await read('a.py', '# comment\nx = 1\n')).toMatchObject({ type: 'py', pages: [{ headings: [] }] })
    const value = Array.from({ length: 300 }, (_, i) => ({ id: i }))
    expect((await textOf('a.json', JSON.stringify(value))).split('\n').length).toBeGreaterThan(600)
    expect(await textOf('a.json', `${'x'.repeat(3_000)}{`)).toMatch(/^x+\{$/)
  })

  it.each(['a.json', 'a.jsonl'])('unescapes letters, but no control characters, in %s', async (name) => {
    const value = { größe: 'Brücke 🚢', path: 'C:\\u00e4\n' }
    const escaped = JSON.stringify(value).replaceAll(
      /[^ -~]/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
    expect(await textOf(name, escaped)).toBe(JSON.stringify(value))
  })

  it('omits the colours of a log', async () => {
    expect(await textOf('a.log', '\u001b[1;31mERROR\u001b[0m disk full')).toBe('ERROR disk full')
  })

  const russian =
    'В чащах юга жил бы цитрус? Да, но фальшивый экземпляр! Съешь ещё этих мягких французских булок, да выпей чаю.'
  const german = 'Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich; das kostet 5 Mark.'
  it.each([
    ['utf-8', german],
    ['utf-8 with byte order mark', `\ufeff${german}`],
    ['utf-16le', russian],
    ['utf-16le with byte order mark', `\ufeff${russian}`],
    ['utf-16be', german],
    ['utf-32le with byte order mark', `\ufeff${german}`],
    ['windows-1252', german],
    ['windows-1251', russian],
    ['cp866', russian],
    ['koi8-r', russian],
    ['shift_jis', 'いろはにほへとちりぬるを。わかよたれそつねならむ。うゐのおくやまけふこえて。'],
    ['gb18030', '天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。寒来暑往，秋收冬藏。'],
  ])('is decoded from %s', async (encoding, text) => {
    const { encode } = await import('iconv-lite').then((module) => module.default)
    const [name = ''] = encoding.split(' ')
    expect(await textOf('a.txt', encode(text, name))).toBe(text.replace('\ufeff', ''))
  })

  it('is decoded from UTF-8 with an invalid byte', async () => {
    const damaged = Buffer.concat([Buffer.from(russian), Buffer.of(0xff), Buffer.from(german)])
    expect(await textOf('a.txt', damaged)).toBe(`${russian}\ufffd${german}`)
  })

  it('accepts UTF-8 truncated inside a character', async () => {
    expect(await textOf('a.txt', Buffer.from(`${german} Käse ä`).subarray(0, -1))).toContain(
      'großen Sylter Deich',
    )
  })

  it('normalizes line breaks and removes NUL', async () => {
    expect(await textOf('a.txt', 'one\r\ntwo\rthree\u0000 four\ffive')).toBe('one\ntwo\nthree four\nfive')
  })
})

describe('content detection', () => {
  const docx = docxOf(wordParagraph('Hello from Word'))
  it.each([
    ['report.txt', docx, 'docx'],
    ['report.pdf', docx, 'docx'],
    ['report', docx, 'docx'],
    ['page.txt', '<!DOCTYPE html><p>Hello</p>', 'html'],
    ['page.pdf', '<html><p>Hello</p></html>', 'html'],
    ['notes.docx', 'Just a note, plainly written.', 'txt'],
    ['LICENSE', 'Do what you like.', 'txt'],
    ['view.vue', '<html>Hello</html>', 'vue'],
    ['data.unknown', 'a b c', 'txt'],
    ['page', `${'<!-- a - b -->\n<!---->'.repeat(100)}<html>Hello</html>`, 'html'],
    ['comments.txt', `${'<!---->'.repeat(500)}Hello`, 'txt'],
  ])('prefers the content to the file extension: %s', async (name, content, type) => {
    expect((await read(name, content)).type).toBe(type)
  })

  it.each([
    ['a.png', '\x89PNG\r\n\x1a\n', 'no_text'],
    ['photo.pdf', '\xff\xd8\xff\xe0', 'no_text'],
    ['old.doc', `\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1${'\0'.repeat(600)}`, 'corrupt'],
    ['a.tar.gz', '\x1f\x8b\x08', 'unsupported_type'],
    ['a.exe', `MZ\x90${'\0'.repeat(100)}`, 'unsupported_type'],
    ['song.txt', 'ID3\x04\0\0', 'unsupported_type'],
    ['clip.mp4', '\0\0\0\x18ftypmp42', 'unsupported_type'],
    ['blank.txt', ' \n\t\r\n ', 'empty'],
    ['zeros.txt', '\0'.repeat(500), 'unsupported_type'],
    ['cut.pdf', '3 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF', 'corrupt'],
  ] as const)('selects the error for an unreadable file: %s', async (name, content, code) => {
    await expect(read(name, Buffer.from(content, 'latin1'))).rejects.toEqual(parseError(code))
  })

  it('rejects binary noise as text', async () => {
    const noise = Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * 7919 + (i >> 3) * 104_729) % 256))
    await expect(read('noise.txt', noise)).rejects.toEqual(parseError('unsupported_type'))
    await expect(read('noise.docx', noise)).rejects.toEqual(parseError('corrupt'))
  })

  it('identifies an archive by its entries', async () => {
    await expect(read('a.zip', zipOf({ 'a.txt': 'x' }))).rejects.toEqual(parseError('unsupported_type'))
    await expect(read('a.txt', zipOf({ 'a.txt': 'x' }))).rejects.toEqual(parseError('unsupported_type'))
    await expect(read('a.docx', zipOf({ 'a.txt': 'x' }))).rejects.toEqual(parseError('corrupt'))
    await expect(read('a.pages', zipOf({ 'Index/Document.iwa': 'x' }))).rejects.toEqual(
      parseError('unsupported_type'),
    )
    await expect(read('a.docx', docx.subarray(0, docx.length - 40))).rejects.toEqual(parseError('corrupt'))
    const locked = zipOf({
      '_rels/.rels': relations(['officeDocument', 'word/document.xml']),
      'word/document.xml': { data: 'x', encrypted: true },
    })
    await expect(read('a.docx', locked)).rejects.toEqual(parseError('encrypted'))
  })
})
