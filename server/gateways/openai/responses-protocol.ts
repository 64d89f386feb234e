import type { Citation } from '../../../contract/messages.ts'
import type { OpenAiResponse } from '../../../contract/openai.ts'
import type { Protocol, RenderedAnswer } from '../../chat/index.ts'
import { citationsIn } from './annotations.ts'

type Answer = Pick<RenderedAnswer, 'runId' | 'createdAt' | 'model'>
/** The end of an answer. */
type End = {
  content: string
  citations: readonly Citation[]
  usage: { prompt_tokens: number | null; completion_tokens: number | null }
  finishReason: string
}

const idOf = (runId: string) => `msg_${runId}`

const partOf = (text: string, citations: readonly Citation[], baseUrl: string) => ({
  type: 'output_text' as const,
  text,
  annotations: citationsIn(text, citations, baseUrl).map((citation) => ({
    type: 'url_citation' as const,
    ...citation,
  })),
})

const unfinished = ({ runId, createdAt, model }: Answer): OpenAiResponse => ({
  id: `resp_${runId}`,
  object: 'response',
  created_at: Math.floor(createdAt.getTime() / 1000),
  status: 'in_progress',
  error: null,
  incomplete_details: null,
  model,
  output: [],
  parallel_tool_calls: false,
  tool_choice: 'none',
  tools: [],
  usage: null,
})

const incomplete = { length: 'max_output_tokens', filter: 'content_filter' } as const

/** OpenAI's response object of a finished answer. */
export function toResponse(answer: Answer, end: End, baseUrl: string): OpenAiResponse {
  const [input, output] = [end.usage.prompt_tokens ?? 0, end.usage.completion_tokens ?? 0]
  const reason = incomplete[end.finishReason as keyof typeof incomplete]
  const status = reason === undefined ? 'completed' : 'incomplete'
  return {
    ...unfinished(answer),
    status,
    incomplete_details: reason === undefined ? null : { reason },
    output: [
      {
        type: 'message',
        id: idOf(answer.runId),
        status,
        role: 'assistant',
        content: [partOf(end.content, end.citations, baseUrl)],
      },
    ],
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input + output,
    },
  }
}

/** The events of OpenAI's streamed responses. */
export const responsesProtocol =
  (baseUrl: string): Protocol =>
  (answer) => {
    let sequence = 0
    let text = ''
    const event = (type: string, fields: object) => ({ type, sequence_number: sequence++, ...fields })
    const place = { output_index: 0, item_id: idOf(answer.runId), content_index: 0 }
    const begun = () => ({
      type: 'message',
      id: place.item_id,
      status: 'in_progress',
      role: 'assistant',
      content: [],
    })

    function end(finishReason: string, citations: readonly Citation[], usage: End['usage']) {
      const response = toResponse(answer, { content: text, citations, usage, finishReason }, baseUrl)
      const [item] = response.output
      const part = item?.content[0]
      return [
        ...(part?.annotations ?? []).map((annotation, annotation_index) =>
          event('response.output_text.annotation.added', { ...place, annotation_index, annotation }),
        ),
        event('response.output_text.done', { ...place, text, logprobs: [] }),
        event('response.content_part.done', { ...place, part }),
        event('response.output_item.done', { output_index: 0, item }),
        event(`response.${response.status}`, { response }),
      ]
    }

    return {
      start: () => [
        event('response.created', { response: unfinished(answer) }),
        event('response.in_progress', { response: unfinished(answer) }),
        event('response.output_item.added', { output_index: 0, item: begun() }),
        event('response.content_part.added', { ...place, part: partOf('', [], baseUrl) }),
      ],
      token({ token }) {
        text += token
        return [event('response.output_text.delta', { ...place, delta: token, logprobs: [] })]
      },
      complete: ({ finish_reason, citations, usage }) => end(finish_reason, citations, usage),
      stopped: () => end('length', [], { prompt_tokens: null, completion_tokens: null }),
      error: ({ error: { code, message } }) => [
        event('response.failed', {
          response: { ...unfinished(answer), status: 'failed', error: { code, message } },
        }),
      ],
    }
  }
