import type { Message } from '../../../contract/chat.ts'
import { formatExactly } from '../../ui/format.ts'
import { Popover } from '../../ui/menu.tsx'

/** Which model answered and why, for those who ask. */
export function ModelNote({ message }: { message: Message }) {
  if (!message.model) return null
  const tokens = message.usage?.completion_tokens
  return (
    <Popover
      label="About this answer"
      trigger={
        <button
          type="button"
          className="model-note"
          aria-label={`Answered by ${message.model}: more about it`}
        >
          {message.model}
        </button>
      }
    >
      <dl className="facts">
        <dt>Model</dt>
        <dd>{message.model}</dd>
        {message.model_reason && (
          <>
            <dt>Why</dt>
            <dd>{message.model_reason}</dd>
          </>
        )}
        {tokens != null && (
          <>
            <dt>Length</dt>
            <dd>{tokens.toLocaleString('en')} tokens</dd>
          </>
        )}
        <dt>Asked</dt>
        <dd>{formatExactly(message.created_at)}</dd>
      </dl>
    </Popover>
  )
}
