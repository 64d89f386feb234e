/**
 * Measures the quotes of the built-in answerer: how often the first quote, and any quote, contains the answer.
 *
 *     node bench/quotes.ts --data DIR
 *
 *     DIR/qa/xquad/    passages.<lang>.jsonl {id,title,text}, questions.<lang>.jsonl {question,answers}
 *
 * Each question gets the five best passages by plain BM25.
 */
import { parseArgs } from 'node:util'
import { selectQuotes } from '../server/models/extractive/select.ts'
import { tokenize } from '../server/search/index.ts'
import { bm25 } from './bm25.ts'
import { fixed, jsonLines, mean, print } from './data.ts'

const { values } = parseArgs({ options: { data: { type: 'string' } } })
if (!values.data) throw new Error('Name the folder of the data: --data DIR')
const folder = `${values.data}/qa/xquad`
const withoutSpaces = (text: string) => text.replaceAll(/\s/g, '')

print('| language | first quote | any quote | quotes |\n|---|---|---|---|')
for (const language of ['en', 'de', 'zh']) {
  const texts = jsonLines<{ title: string; text: string }>(`${folder}/passages.${language}.jsonl`)
  const search = bm25(
    texts.map(({ text }) => text),
    { terms: (text) => [...tokenize(text)].map((token) => token.text.toLowerCase()) },
  )
  const results: { first: number; any: number; quotes: number }[] = []
  for (const { question, answers } of jsonLines<{ question: string; answers: string[] }>(
    `${folder}/questions.${language}.jsonl`,
  )) {
    const passages = search(question, 5).flatMap((i, n) => {
      const passage = texts[i]
      return passage ? [{ n, page: null, heading: null, score: 0, ...passage }] : []
    })
    const quotes = await selectQuotes(question, passages)
    const hits = quotes.map(({ sentences }) =>
      answers.some((answer) => withoutSpaces(sentences.join()).includes(withoutSpaces(answer))),
    )
    results.push({ first: Number(hits[0] ?? false), any: Number(hits.includes(true)), quotes: quotes.length })
  }
  const average = (of: 'first' | 'any' | 'quotes') => fixed(mean(results.map((result) => result[of])))
  print(`| ${language} | ${average('first')} | ${average('any')} | ${average('quotes')} |`)
}
