import type { Message } from '../../../contract/chat.ts'
import { formatExactly } from '../../ui/format.ts'
import { Popover } from '../../ui/menu.tsx'

/** Which model answered and why, for those who ask. */
export function ModelNote({ message }: { message: Message }) {
  if (!message.model) return null
  const name = message.model === 'extractive' ? 'Quoted, no model' : message.model
  const tokens = message.usage?.completion_tokens
  return (
    <Popover
      label="About this answer"
      trigger={
        <button type="button" className="model-note">
          {name}
          <span className="visually-hidden">: more about this answer</span>
        </button>
      }
    >
      <dl className="facts">
        <dt>Model</dt>
        <dd>{name}</dd>
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
