/**
 * Measures how well the grounding check separates supported from unsupported statements, by its threshold.
 *
 *     node bench/grounding.ts --data DIR
 *
 * Data: XQuAD in `DIR/qa/xquad`. A question with its answer paraphrases a sentence of its paragraph. Supported
 * statements are checked against that paragraph. Unsupported ones are checked against the other paragraph that shares
 * the most terms with them ("other paragraph"), or get the answer of the paragraph's next question ("other answer").
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkStatements } from '../server/insight/analysis/grounding.ts'
import { termExtractor } from '../server/insight/analysis/terms.ts'
import { idf } from '../server/search/index.ts'
import { fixed, jsonLines, mean, print } from './data.ts'

const { values } = parseArgs({ options: { data: { type: 'string', default: 'data' } } })
const thresholds = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]

type Paragraph = { id: string; text: string }
type Question = { question: string; answers: string[]; passage_id: string }

print(
  '| language | threshold | supported found | other paragraph rejected | other answer rejected | balanced accuracy |',
)
print('| --- | --- | --- | --- | --- | --- |')
for (const [code, language] of [
  ['en', 'eng'],
  ['de', 'deu'],
  ['zh', 'cmn'],
] as const) {
  const extractor = await termExtractor(language)
  const file = (name: string) => join(values.data, 'qa', 'xquad', `${name}.${code}.jsonl`)
  const paragraphs = jsonLines<Paragraph>(file('passages')).map(({ id, text }) => ({
    id,
    passage: { n: 1, title: '', heading: null, text },
    stems: extractor.stemsOf(text),
  }))
  const frequencies = new Map<string, number>()
  for (const { stems } of paragraphs)
    for (const stem of stems) frequencies.set(stem, (frequencies.get(stem) ?? 0) + 1)
  const idfOf = (stem: string) => idf(Math.max(1, frequencies.get(stem) ?? 0), paragraphs.length)

  type IndexedParagraph = (typeof paragraphs)[number]
  const check = (text: string, { passage }: IndexedParagraph) => {
    const terms = extractor.termsOf(text)
    return checkStatements([{ text, terms, cites: [] }], [passage], extractor, idfOf)[0]
  }
  const nearest = (text: string, except: string) => {
    const terms = extractor.stemsOf(text)
    const score = ({ stems }: IndexedParagraph) =>
      [...terms.intersection(stems)].reduce((sum, stem) => sum + idfOf(stem), 0)
    return paragraphs.filter(({ id }) => id !== except).reduce((a, b) => (score(b) > score(a) ? b : a))
  }
  const byParagraph = Map.groupBy(jsonLines<Question>(file('questions')), (each) => each.passage_id)
  const checked = [...byParagraph].flatMap(([id, questions]) => {
    const own = paragraphs.find((each) => each.id === id)
    if (!own) return []
    return questions.flatMap(({ question, answers: [answer = ''] }, at) => {
      const [other = ''] = questions[(at + 1) % questions.length]?.answers ?? []
      const statement = `${question} ${answer}`
      return [
        {
          supported: check(statement, own),
          otherParagraph: check(statement, nearest(statement, id)),
          otherAnswer: other === answer ? undefined : check(`${question} ${other}`, own),
        },
      ]
    })
  })
  for (const threshold of thresholds) {
    const accepted = (kind: 'supported' | 'otherParagraph' | 'otherAnswer') =>
      mean(
        checked.flatMap((each) => {
          const result = each[kind]
          return result ? [result.support >= threshold && result.unknownNumbers.length === 0 ? 1 : 0] : []
        }),
      )
    const found = accepted('supported')
    const rejected = 1 - accepted('otherParagraph')
    const cells = [found, rejected, 1 - accepted('otherAnswer'), (found + rejected) / 2].map((each) =>
      fixed(each),
    )
    print(`| ${[code, threshold, ...cells].join(' | ')} |`)
  }
}
