import { expect, test } from 'vitest'
import { adapters } from '../../test/models/adapters.ts'

/** Shapes of the streams that services send, with the expected result. */
const shapes: {
  shape: string
  protocol: (typeof adapters)[number]['protocol']
  frames: object[]
  parts: object[]
}[] = [
  {
    shape: 'an OpenAI stream, whose token counts follow without a choice',
    protocol: 'openai',
    frames: [
      {
        choices: [{ delta: { role: 'assistant', content: '', refusal: null } }],
        usage: null,
        obfuscation: 'aX',
      },
      { choices: [{ delta: { content: 'Hi' }, logprobs: null, finish_reason: null }], usage: null },
      { choices: [{ delta: {}, finish_reason: 'stop' }], usage: null },
      { choices: [], usage: { prompt_tokens: 16, completion_tokens: 1, total_tokens: 17 } },
    ],
    parts: [
      { type: 'text', text: 'Hi' },
      { type: 'finish', reason: 'stop', usage: { promptTokens: 16, completionTokens: 1 } },
    ],
  },
  {
    shape: 'an xAI stream, which counts reasoning apart from the completion',
    protocol: 'openai',
    frames: [
      { choices: [{ index: 0, delta: { reasoning_content: 'One word.', role: 'assistant' } }] },
      { choices: [{ index: 0, delta: { content: 'Yes', role: 'assistant' } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      {
        choices: [],
        usage: {
          prompt_tokens: 12,
          completion_tokens: 2,
          total_tokens: 354,
          completion_tokens_details: { reasoning_tokens: 340 },
        },
      },
    ],
    parts: [
      { type: 'thinking', text: 'One word.' },
      { type: 'text', text: 'Yes' },
      {
        type: 'finish',
        reason: 'stop',
        usage: { promptTokens: 12, completionTokens: 342, reasoningTokens: 340 },
      },
    ],
  },
  {
    shape: 'a DeepSeek stream of reasoning and a call in pieces, with the counts in the last choice',
    protocol: 'openai',
    frames: [
      { choices: [{ delta: { role: 'assistant', content: null, reasoning_content: '' } }], usage: null },
      { choices: [{ delta: { content: null, reasoning_content: 'Look it up.' } }], usage: null },
      {
        choices: [
          {
            delta: {
              content: null,
              reasoning_content: null,
              tool_calls: [
                { index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } },
              ],
            },
          },
        ],
      },
      ...['{"city"', ': "Oslo"}'].map((piece) => ({
        choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: piece } }] } }],
      })),
      {
        choices: [{ delta: { content: '', reasoning_content: null }, finish_reason: 'tool_calls' }],
        usage: {
          prompt_tokens: 339,
          completion_tokens: 83,
          total_tokens: 422,
          completion_tokens_details: { reasoning_tokens: 39 },
        },
      },
    ],
    parts: [
      { type: 'thinking', text: 'Look it up.' },
      { type: 'tool_call', id: 'call_1', name: 'weather', arguments: '{"city": "Oslo"}' },
      {
        type: 'finish',
        reason: 'tool_calls',
        usage: { promptTokens: 339, completionTokens: 83, reasoningTokens: 39 },
      },
    ],
  },
  {
    shape: 'a Mistral stream, whose last choice has text, finish reason and counts',
    protocol: 'openai',
    frames: [
      { choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] },
      {
        choices: [{ index: 0, delta: { content: 'Hello' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 13, total_tokens: 14, completion_tokens: 1 },
      },
    ],
    parts: [
      { type: 'text', text: 'Hello' },
      { type: 'finish', reason: 'stop', usage: { promptTokens: 13, completionTokens: 1 } },
    ],
  },
  {
    shape: 'an Anthropic stream of signed thinking before the text',
    protocol: 'anthropic',
    frames: [
      { type: 'message_start', message: { usage: { input_tokens: 69, output_tokens: 2 } } },
      {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'thinking', thinking: '', signature: '' },
      },
      { type: 'ping' },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: '9 / 3' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2ln' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'It is 3.' } },
      { type: 'content_block_stop', index: 1 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { input_tokens: 69, cache_read_input_tokens: 0, output_tokens: 40 },
        context_management: { applied_edits: [] },
      },
    ],
    parts: [
      { type: 'thinking', text: '9 / 3' },
      { type: 'text', text: 'It is 3.' },
      { type: 'finish', reason: 'stop', usage: { promptTokens: 69, completionTokens: 40 } },
    ],
  },
  {
    shape: 'an Anthropic stream of text and a call without arguments, with pings between blocks',
    protocol: 'anthropic',
    frames: [
      { type: 'message_start', message: { usage: { input_tokens: 565, output_tokens: 7 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'I will.' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'ping' },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 'toolu_1', name: 'update', input: {} },
      },
      { type: 'ping' },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 48 } },
    ],
    parts: [
      { type: 'text', text: 'I will.' },
      { type: 'tool_call', id: 'toolu_1', name: 'update', arguments: '{}' },
      { type: 'finish', reason: 'tool_calls', usage: { promptTokens: 565, completionTokens: 48 } },
    ],
  },
  {
    shape: 'a Google stream, which ends in an empty text with a signature and counts thoughts apart',
    protocol: 'google',
    frames: [
      {
        candidates: [{ content: { parts: [{ text: 'Three' }], role: 'model' }, index: 0 }],
        usageMetadata: {
          promptTokenCount: 9,
          candidatesTokenCount: 5,
          totalTokenCount: 199,
          thoughtsTokenCount: 185,
        },
      },
      {
        candidates: [
          {
            content: { parts: [{ text: '', thoughtSignature: 'c2ln' }], role: 'model' },
            finishReason: 'STOP',
            index: 0,
          },
        ],
        usageMetadata: {
          promptTokenCount: 9,
          candidatesTokenCount: 6,
          totalTokenCount: 200,
          thoughtsTokenCount: 185,
        },
      },
    ],
    parts: [
      { type: 'text', text: 'Three' },
      {
        type: 'finish',
        reason: 'stop',
        usage: { promptTokens: 9, completionTokens: 191, reasoningTokens: 185 },
      },
    ],
  },
]

test.each(shapes)('reads $shape', async ({ protocol, frames, parts }) => {
  const adapter = adapters.find((each) => each.protocol === protocol) ?? adapters[0]
  await using upstream = await adapter.start()
  upstream.script(adapter.path, { frames: frames.map((frame) => JSON.stringify(frame)) })
  const stream = adapter.model(upstream.url).stream(
    {
      messages: [{ role: 'user', content: 'How many?' }],
      grounding: { question: '', passages: [], answerable: null },
    },
    AbortSignal.timeout(60_000),
  )
  expect(await Array.fromAsync(stream)).toEqual(parts)
})
