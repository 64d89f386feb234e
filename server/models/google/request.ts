import type { ChatMessage, ChatRequest, ToolChoice } from '../port.ts'
import { findCall, parseArguments } from '../tool-calls.ts'

/** Returns the body of a request to `streamGenerateContent`. */
export function buildGoogleBody(request: ChatRequest, thinks: boolean) {
  const { messages, tools = [], toolChoice, responseFormat, stop = [] } = request
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => ({ text: content }))
  return {
    contents: messages
      .filter(({ role }) => role !== 'system')
      .map((message) => ({
        role: message.role === 'assistant' ? 'model' : 'user',
        parts: toParts(message, messages),
      })),
    ...(system.length > 0 && { systemInstruction: { parts: system } }),
    generationConfig: {
      maxOutputTokens: request.maxTokens,
      temperature: request.temperature,
      topP: request.topP,
      seed: request.seed,
      ...(stop.length > 0 && { stopSequences: stop }),
      ...(responseFormat && {
        responseMimeType: 'application/json',
        responseJsonSchema: responseFormat.schema,
      }),
      ...(thinks && { thinkingConfig: { includeThoughts: true } }),
    },
    ...(tools.length > 0 && {
      tools: [
        {
          functionDeclarations: tools.map(({ name, description, parameters }) => ({
            name,
            description: description ?? name,
            parametersJsonSchema: parameters,
          })),
        },
      ],
      toolConfig: { functionCallingConfig: toMode(toolChoice) },
    }),
  }
}

function toParts(
  { role, content, images = [], toolCalls = [], toolCallId }: ChatMessage,
  all: ChatMessage[],
) {
  if (role === 'tool') {
    const name = findCall(all, toolCallId ?? '')?.name ?? toolCallId
    return [{ functionResponse: { name, response: { result: content } } }]
  }
  return [
    ...images.map(({ mediaType, data }) => ({ inlineData: { mimeType: mediaType, data } })),
    ...(content === '' && (images.length > 0 || toolCalls.length > 0) ? [] : [{ text: content }]),
    ...toolCalls.map((call) => ({
      functionCall: { name: call.name, args: parseArguments(call) },
      ...(call.signature !== undefined && { thoughtSignature: call.signature }),
    })),
  ]
}

const modes = { auto: 'AUTO', none: 'NONE', required: 'ANY' }
const toMode = (choice: ToolChoice = 'auto') =>
  typeof choice === 'string' ? { mode: modes[choice] } : { mode: 'ANY', allowedFunctionNames: [choice.name] }
