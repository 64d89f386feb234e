/**
 * Measures the first questions to libraries of one to five short documents, answered without a language model.
 *
 *     node bench/first-questions.ts [--data DIR] [--only WORD] [--detail]
 *
 *     bench/first-questions.json    libraries; questions with a part of the sentence that answers them; questions
 *                                   without an answer; unrelated documents
 *     bench/later-questions.json    the same, written when the coefficients of answerability were final
 *     bench/missing-facts.json      the same; the questions without an answer ask for facts that documents about their
 *                                   subject lack
 *     DIR/pdf-qa/files/*.pdf        long documents to ask beside
 *
 * Each question starts conversations (`POST /chat/stream`), with the built-in answerer and with a scripted language model,
 * and is searched for (`POST /search`): in its library alone, beside the unrelated documents, and beside the PDFs; and
 * once more in one conversation for all questions of its library. Reports the outcomes, the quoted answers, the prompts
 * that contain the answer, and the changed outcomes.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Answerability } from '../contract/knowledge.ts'
import type { Citation } from '../contract/messages.ts'
import type { SearchResult } from '../contract/search.ts'
import { startApp } from '../test/app.ts'
import {
  ask,
  bodyOf,
  createAvee,
  createConversation,
  registerUser,
  type UploadFile,
  uploadFiles,
} from '../test/builders.ts'
import { textOf } from '../test/events.ts'
import { defaultModels, startOllama } from '../test/model-servers.ts'
import { fixed, mean, print } from './data.ts'

type Library = {
  set: string
  name: string
  language: string
  documents: Record<string, string>
  /** A part of the sentence that answers, by question. */
  answered: Record<string, string>
  unanswered: string[]
}
type Asked = {
  question: string
  answer: string | null
  outcome: Answerability
  isQuotedFirst: boolean
  isQuoted: boolean
  /** Whether the prompt of a language model contains the answer. */
  isInPrompt: boolean
  /** Whether the answer has sources that the reader can open. */
  hasSources: boolean
  /** The index of the passage with the answer in the search results; -1 if it is missing. */
  place: number
}

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    only: { type: 'string' },
    detail: { type: 'boolean', default: false },
  },
})
const searchLimit = 8

const read = <Content>(name: string) =>
  JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as Content
type Libraries = { libraries: Omit<Library, 'set'>[] }
const { libraries: first, unrelated } = read<Libraries & { unrelated: Record<string, string> }>(
  'first-questions.json',
)
const { libraries: later } = read<Libraries>('later-questions.json')
const { libraries: missing } = read<Libraries>('missing-facts.json')
const libraries: Library[] = [
  ...first.map((library) => ({ ...library, set: 'first' })),
  ...later.map((library) => ({ ...library, set: 'later' })),
  ...missing.map((library) => ({ ...library, set: 'missing facts' })),
]
await using ollama = await startOllama({
  models: defaultModels().filter(({ capabilities }) => capabilities.includes('completion')),
})
ollama.always('/api/chat', { tokens: ['Yes.'] })
await using app = await startApp({
  OLLAMA_BASE_URL: ollama.url,
  BACKGROUND_MODEL_CALLS: 'off',
  LIMIT_QUESTIONS_PER_MINUTE: '0',
  LIMIT_UPLOADS_PER_HOUR: '0',
})
const { client } = await registerUser(app)

async function askAll(
  avee: string,
  { answered, unanswered }: Library,
  inOneConversation = false,
): Promise<Asked[]> {
  const asked: Asked[] = []
  const { id: shared } = await createConversation(client, avee)
  const conversation = async () => (inOneConversation ? shared : (await createConversation(client, avee)).id)
  for (const [question, answer] of [
    ...Object.entries(answered),
    ...unanswered.map((question) => [question, null] as const),
  ]) {
    const isAnswer = (text: string) => answer !== null && text.includes(answer)
    await ask(client, await conversation(), question)
    const messages = ollama.requestsTo('/api/chat').at(-1)?.body['messages'] as { content: string }[]
    const isInPrompt = messages.some(({ content }) => isAnswer(content))
    const events = await ask(client, await conversation(), question, { model: 'extractive' })
    const complete = events.find(({ data }) => data['event'] === 'complete')?.data
    if (!complete) throw new Error(`${question}: ${JSON.stringify(events.at(-1)?.data)}`)
    const { results } = bodyOf(
      await client.post<{ results: SearchResult[] }>('/search', {
        query: question,
        avee,
        scope: 'documents',
        limit: searchLimit,
      }),
    )
    const quotes = textOf(events)
      .split('\n\n')
      .filter((paragraph) => paragraph.startsWith('“'))
    asked.push({
      question,
      answer,
      outcome: complete['answerable'] as Answerability,
      isQuotedFirst: quotes.slice(0, 1).some(isAnswer),
      isQuoted: quotes.some(isAnswer),
      isInPrompt,
      hasSources: (complete['citations'] as Citation[]).some(({ status }) => status === 'available'),
      place: results.findIndex(({ text }) => isAnswer(text)),
    })
  }
  return asked
}

const outcomes = ['yes', 'unsure', 'no'] as const

function report(name: string, asked: Asked[], alone: Asked[]): void {
  const answered = asked.filter(({ answer }) => answer !== null)
  const others = asked.filter(({ answer }) => answer === null)
  const share = (of: Asked[], test: (one: Asked) => boolean) =>
    fixed(mean(of.map((one) => Number(test(one)))))
  const shares = (of: Asked[]) =>
    outcomes.map((outcome) => share(of, (one) => one.outcome === outcome)).join(' / ')
  const changed = asked.filter(({ outcome }, i) => outcome !== alone[i]?.outcome)
  print(
    [
      name,
      `${answered.length} answered: ${shares(answered)}`,
      `first quote ${share(answered, (one) => one.isQuotedFirst)}`,
      `any quote ${share(answered, (one) => one.isQuoted)}`,
      `in prompt ${share(answered, (one) => one.isInPrompt)}`,
      `sources ${share(answered, (one) => one.hasSources)}`,
      `search @1 ${share(answered, ({ place }) => place === 0)} @${searchLimit} ${share(answered, ({ place }) => place >= 0)}`,
      `${others.length} not answered: ${shares(others)}`,
      `outcome changed ${changed.length}`,
    ].join('  '),
  )
}

const filesOf = (documents: Record<string, string>): UploadFile[] =>
  Object.entries(documents).map(([name, content]) => ({ name, content }))

const pdfs: UploadFile[] = values.data
  ? readdirSync(path.join(values.data, 'pdf-qa', 'files')).map((name) => ({
      name,
      content: new Uint8Array(readFileSync(path.join(values.data ?? '', 'pdf-qa', 'files', name))),
    }))
  : []
const withPdfs = await createAvee(client)
if (pdfs.length > 0) await uploadFiles(client, pdfs, { avee: withPdfs.id, layer: 'public' })

type Result = {
  set: string
  language: string
  alone: Asked[]
  together: Asked[]
  beside: Asked[]
  besidePdfs: Asked[]
}
const all: Result[] = []
for (const library of libraries) {
  if (
    values.only !== undefined &&
    !`${library.set} ${library.language} ${library.name}`.includes(values.only)
  )
    continue
  const { id: avee } = await createAvee(client)
  const files = filesOf(library.documents)
  await uploadFiles(client, files, { avee, layer: 'public' })
  const alone = await askAll(avee, library)
  const together = await askAll(avee, library, true)
  await uploadFiles(client, filesOf(unrelated), { avee, layer: 'public' })
  const beside = await askAll(avee, library)
  let besidePdfs: Asked[] = []
  if (pdfs.length > 0) {
    const added = await uploadFiles(client, files, { avee: withPdfs.id, layer: 'public' })
    besidePdfs = await askAll(withPdfs.id, library)
    for (const { doc_id } of added) await client.delete(`/documents/${doc_id}?permanent=true`)
    await app.app.knowledge.purge()
  }
  all.push({ set: library.set, language: library.language, alone, together, beside, besidePdfs })
  if (!values.detail) continue
  for (const [i, one] of alone.entries()) {
    const others = [together[i], beside[i], besidePdfs[i]].flatMap((other) => other ?? [])
    const isRight = (each: Asked) =>
      each.answer === null ? each.outcome === 'no' : each.outcome === 'yes' && each.isQuotedFirst
    if ([one, ...others].every(isRight)) continue
    const show = ({ outcome, isQuotedFirst, isQuoted, place }: Asked) =>
      `${outcome}${isQuotedFirst ? ' first' : isQuoted ? ' quoted' : ''} @${place + 1}`
    print(
      `    ${one.answer === null ? '–' : '+'} ${one.question}   ${[one, ...others].map(show).join(' | ')}`,
    )
  }
}
const groups = new Map<string, Result[]>([
  ...Map.groupBy(all, ({ set }) => `${set} questions, all languages`),
  ...Map.groupBy(all, ({ set, language }) => `${set} questions, ${language}`),
])
for (const [group, results] of groups) {
  const alone = results.flatMap((result) => result.alone)
  print(`\n${group}: ${alone.length} (yes / unsure / no)`)
  report('  alone           ', alone, alone)
  report(
    '  one conversation',
    results.flatMap((result) => result.together),
    alone,
  )
  report(
    '  with unrelated  ',
    results.flatMap((result) => result.beside),
    alone,
  )
  if (pdfs.length > 0)
    report(
      '  with PDFs       ',
      results.flatMap((result) => result.besidePdfs),
      alone,
    )
}
