import { readFileSync } from 'node:fs'
import path from 'node:path'
import { detectLanguage, stemmerFor, tokenize } from '../server/search/index.ts'
import { bm25 } from './bm25.ts'

/** Removes repeated names and keeps their order. */
export const distinct = (names: string[]): string[] => [...new Set(names)]

export const asMarkdown = ({ title, text }: { title?: string; text: string }) =>
  title ? `# ${title}\n\n${text}\n` : `${text}\n`

/** Builds the BM25 baseline in the language of the texts. */
export async function baseline(texts: string[], options: { k1?: number; b?: number } = {}) {
  const normalise = await stemmerFor(detectLanguage(texts.slice(0, 200).join('\n')))
  const terms = (text: string) =>
    [...tokenize(text)]
      .filter((word) => word.kind === 'word' || word.kind === 'bigram')
      .map((word) => normalise(word.text))
  return bm25(texts, { ...options, terms })
}

/** Reads `qrels.tsv` of a retrieval set: the grade of each judged document, by query. */
export function readJudgements(folder: string): Map<string, Map<string, number>> {
  const qrels = new Map<string, Map<string, number>>()
  for (const line of readFileSync(path.join(folder, 'qrels.tsv'), 'utf8').split('\n').slice(1)) {
    const [query = '', doc = '', grade = ''] = line.trim().split('\t')
    if (doc !== '') qrels.set(query, (qrels.get(query) ?? new Map<string, number>()).set(doc, Number(grade)))
  }
  return qrels
}

/** Measures a ranking of document ids against the grades of the relevant documents. */
export function measures(ranked: string[], grades: Map<string, number>) {
  const gain = (names: number[]) =>
    names.slice(0, 10).reduce((sum, grade, i) => sum + grade / Math.log2(i + 2), 0)
  const relevant = [...grades].filter(([, grade]) => grade > 0)
  const ideal = gain(relevant.map(([, grade]) => grade).sort((a, b) => b - a))
  const first = ranked.slice(0, 10).findIndex((name) => (grades.get(name) ?? 0) > 0)
  return {
    ndcg: gain(ranked.map((name) => grades.get(name) ?? 0)) / ideal,
    recall: ranked.slice(0, 20).filter((name) => (grades.get(name) ?? 0) > 0).length / relevant.length,
    mrr: first < 0 ? 0 : 1 / (first + 1),
  }
}

/** Returns the article of a paragraph: `a07p03` is the fourth paragraph of the eighth article. */
export const articleOf = ({ id }: { id: string }): string => id.replace(/p\d+$/, '')
