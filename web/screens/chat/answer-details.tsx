import { useQuery } from '@tanstack/react-query'
import type { Message } from '../../../contract/chat.ts'
import { listModels } from '../../../contract/models.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Button } from '../../ui/button.tsx'
import { formatFullTime } from '../../ui/format.ts'
import { Popover } from '../../ui/menu.tsx'

/** Which model answered and why, for those who ask; another may be asked from here. */
export function AnswerDetails({
  message,
  isBusy,
  onRegenerate,
}: {
  message: Message
  isBusy: boolean
  onRegenerate: (model: string) => void
}) {
  // Without a model it is the owner who speaks; the reason says so.
  if (!message.model)
    return message.model_reason && <span className="model-note">{message.model_reason}</span>
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
        <dd>{formatFullTime(message.created_at)}</dd>
      </dl>
      {!isBusy && <OtherModels than={message.model} onChoose={onRegenerate} />}
    </Popover>
  )
}

/** Asked for only when somebody looks. */
function OtherModels({ than, onChoose }: { than: string; onChoose: (model: string) => void }) {
  const api = useApi()
  const list = useQuery({ queryKey: keys.modelList, queryFn: () => api.call(listModels), staleTime: 60_000 })
  const others = (list.data?.models ?? []).filter(
    ({ name, provider, capabilities }) =>
      name !== than &&
      provider !== 'extractive' &&
      (capabilities.length === 0 || capabilities.includes('completion')),
  )
  if (others.length === 0) return null
  return (
    <div className="other-models">
      <h3>Answer again with</h3>
      {others.map((model) => (
        <Button key={model.name} small onClick={() => onChoose(model.name)}>
          <span className="truncate">{model.name}</span>
        </Button>
      ))}
    </div>
  )
}
