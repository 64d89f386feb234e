import type { OpenAiMessage } from '../../../contract/openai.ts'
import { unsupported } from '../../completions/index.ts'
import type { ChatImage, ChatMessage } from '../../models/index.ts'

type Part = { type: string; text?: string | undefined; image?: string | undefined }

/** Returns a message of a chat completion in our form. @throws 400 for an image that is not in the request */
export function toMessage({ role, content, tool_calls, tool_call_id }: OpenAiMessage): ChatMessage {
  const parts: Part[] =
    typeof content === 'string'
      ? [{ type: 'text', text: content }]
      : (content ?? []).map((part) =>
          part.type === 'text' ? part : { type: part.type, image: part.image_url.url },
        )
  return {
    ...fromParts(role, parts),
    ...(tool_calls && {
      toolCalls: tool_calls.map(({ id, function: { name, arguments: text } }) => ({
        id,
        name,
        arguments: text,
      })),
    }),
    ...(tool_call_id && { toolCallId: tool_call_id }),
  }
}

/** Joins the texts of a message, and decodes its images. */
export function fromParts(role: OpenAiMessage['role'], parts: Part[]): ChatMessage {
  const images = parts.flatMap(({ image }) => (image === undefined ? [] : readImage(image)))
  return {
    role: role === 'developer' ? 'system' : role,
    content: parts.flatMap(({ text }) => text ?? []).join('\n'),
    ...(images.length > 0 && { images }),
  }
}

function readImage(url: string): ChatImage {
  const prefix = /^data:(image\/[\w.+-]{1,40});base64,/.exec(url)
  if (!prefix?.[1]) throw unsupported('images', 'Images must be data: URLs in Base64.')
  return { mediaType: prefix[1], data: url.slice(prefix[0].length) }
}
