import type { QueryAnalyzer, QueryTerm } from '../../search/index.ts'

/**
 * Phrases of questions about financial reports, and the words of the statements that answer them: the names of the
 * primary statements under IFRS (IAS 1) and US-GAAP, abbreviations, and the line items that define a ratio.
 */
const financialTerms: [said: RegExp, written: string][] = [
  [/\bbalance sheets?\b|\bfinancial position\b/i, 'balance sheet financial position'],
  [
    /\bincome statements?\b|\bp&l\b|\bprofit and loss\b|\bstatements? of (?:income|operations|earnings)\b/i,
    'statements income operations earnings',
  ],
  [/\bcash ?flow statements?\b|\bstatements? of cash ?flows?\b/i, 'statements cash flows'],
  [/\bcapex\b|\bcapital expenditures?\b/i, 'purchases property plant equipment capital expenditures'],
  [/\bpp&?n?e\b|\bfixed assets?\b/i, 'property plant equipment net'],
  [/\bcogs\b|\bcost of goods sold\b/i, 'cost goods sold sales revenue'],
  [/\bsg&a\b/i, 'selling general administrative'],
  [/\br&d\b/i, 'research development'],
  [/\bd&a\b/i, 'depreciation amortization'],
  [/\beps\b/i, 'earnings income per share'],
  [/\bebitda\b/i, 'operating income depreciation amortization'],
  [/\bgross (?:profit )?margins?\b/i, 'gross profit revenue net sales cost'],
  [/\boperating (?:income |profit )?margins?\b/i, 'operating income total revenue net sales'],
  [/\b(?:net|profit) (?:income |profit )?margins?\b/i, 'net income earnings revenue net sales'],
  [
    /\bworking capital\b|\b(?:quick|current) ratio\b|\bliquidity profile\b/i,
    'total current assets total current liabilities',
  ],
  [/\bdays (?:payable|sales|inventory)\b/i, 'accounts payable receivable inventories cost sales'],
  [/\binventory turnover\b/i, 'inventories cost sales'],
  [/\basset turnover\b/i, 'total assets property equipment revenue net sales'],
  [/\breturn on (?:total )?assets\b/i, 'net income total assets'],
  [/\breturn on (?:average )?equity\b/i, 'net income total shareholders stockholders equity'],
  [
    /\bcapitalization ratio\b|\btotal debt\b|\binvested capital\b|\bcapital employed\b|\bdebt.to.(?:equity|capital)\b/i,
    'long-term debt total equity total assets current liabilities',
  ],
  [/\bfree cash ?flow\b|\bfcf\b/i, 'net cash provided operating activities purchases property equipment'],
  [/\beffective tax\b|\btax rate\b/i, 'income before income taxes provision income tax expense'],
  [/\bpayout ratio\b/i, 'dividends paid net income'],
  [/\binterest coverage\b/i, 'interest expense operating income'],
]

/** Returns terms that documents use for the subject of a question, without those in the question. */
export function relatedTerms(analyzer: QueryAnalyzer, question: string, terms: QueryTerm[]): QueryTerm[] {
  const known = new Set(terms.flatMap((term) => [...term.stems.keys()]))
  const written = financialTerms.filter(([said]) => said.test(question)).map(([, words]) => words)
  return analyzer
    .terms(written.join(' '))
    .filter((term) => !term.isStopWord && ![...term.stems.keys()].some((hash) => known.has(hash)))
}
