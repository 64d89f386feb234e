/** A question about a row of a table in a filing, and the pages with that row (1-based). */
export type TableQuestion = { question: string; pages: number[] }

type Row = { page: number; label: string; year: string; value: string }

const rowsPerFile = 16
const rowsPerStatement = 4
const number = /\(?\d[\d,]*(?:\.\d+)?\)?/g

/** Titles of the primary statements, and their names in questions. */
const statements: [title: RegExp, names: string[]][] = [
  [/^.*consolidated balance sheets?/im, ['balance sheet', 'statement of financial position']],
  [
    /^.*consolidated statements? of (?:consolidated )?(?:income|earnings|operations)/im,
    ['income statement', 'P&L statement', 'statement of income'],
  ],
  [/^.*consolidated statements? of cash flows?/im, ['cash flow statement', 'statement of cash flows']],
]
/** A primary statement has its title at the top and at least this many rows; a table of contents has fewer. */
const titleCharacters = 200
const minRowsOfStatement = 12

/** Derives questions from the rows of a filing's tables; the file is named after the company. */
export function rowQuestions(file: string, pages: string[]): TableQuestion[] {
  const company = companyOf(file)
  const rows = pages.flatMap((text, i) => rowsOf(text, i + 1))
  return evenly(distinctRows(rows), rowsPerFile).map(({ label, year, value }, i) => {
    const templates = [
      `What was the ${label} of ${company} in FY${year}?`,
      `How much is ${company}'s ${year} ${label}?`,
      `What is ${label} for ${company} in fiscal year ${year}? Answer in millions.`,
    ]
    const same = rows.filter((row) => row.label === label && row.value === value)
    return { question: templates[i % templates.length] ?? '', pages: same.map(({ page }) => page) }
  })
}

/** Derives questions that name a primary statement of a filing, whose page they should find. */
export function statementQuestions(file: string, pages: string[]): TableQuestion[] {
  const company = companyOf(file)
  return statements.flatMap(([title, names]) => {
    const page = pages.findIndex(
      (text, i) =>
        title.test(text.slice(0, titleCharacters)) && rowsOf(text, i + 1).length >= minRowsOfStatement,
    )
    if (page < 0) return []
    return evenly(distinctRows(rowsOf(pages[page] ?? '', page + 1)), rowsPerStatement).map(
      ({ label, year }, i) => {
        const name = names[i % names.length] ?? ''
        const templates = [
          `What is the FY${year} ${label} for ${company}? Base your answer on the details shown in the ${name}.`,
          `By primarily using the information that is shown in the ${name}, what is the year end FY${year} ${label} of ${company}? Answer in USD millions.`,
        ]
        return { question: templates[i % templates.length] ?? '', pages: [page + 1] }
      },
    )
  })
}

/** Returns the rows of a page with a label of several words and a number for each year of the columns above. */
function rowsOf(text: string, page: number): Row[] {
  const rows: Row[] = []
  let years: string[] = []
  for (const line of text.split('\n')) {
    const found = line.match(/\b(?:19|20)\d\d\b/g) ?? []
    if (found.length >= 2 && /^[^\p{Ll}]*$/u.test(line.replace(/\p{Lu}\p{Ll}+ \d+,/gu, ''))) {
      years = found
      continue
    }
    const [label = '', ...cells] = line.split('\t')
    const values = cells.join(' ').match(number) ?? []
    const [year] = years
    const words = label.match(/\p{L}{2,}/gu) ?? []
    if (year === undefined || values.length !== years.length || words.length < 2 || /\d/.test(label)) continue
    rows.push({ page, label: label.replace(/[:\s]+$/, '').trim(), year, value: values[0] ?? '' })
  }
  return rows
}

const distinctRows = (rows: Row[]): Row[] =>
  [...new Map(rows.toReversed().map((row) => [`${row.label} ${row.value}`, row])).values()].reverse()

/** Returns `count` evenly spaced elements. */
const evenly = <Item>(items: Item[], count: number): Item[] =>
  items.filter(
    (_, i) => Math.floor((i * count) / items.length) !== Math.floor(((i - 1) * count) / items.length),
  )

function companyOf(file: string): string {
  const name = file.split('_')[0] ?? ''
  return name.slice(0, 1) + name.slice(1).toLowerCase()
}
