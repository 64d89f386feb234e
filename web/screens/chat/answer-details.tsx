import { useQuery } from '@tanstack/react-query'
import type { Message } from '../../../contract/messages.ts'
import { listModels } from '../../../contract/models.ts'
import { getRun } from '../../../contract/runs.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { message, t } from '../../languages/index.ts'
import { builtInName, canAnswer } from '../../models/model-name.ts'
import { Button } from '../../ui/button.tsx'
import { formatCost, formatFullTime, formatSeconds } from '../../ui/format.ts'
import { Popover } from '../../ui/popover.tsx'
import './answer-details.css'
import './fact-list.css'

const leftOut = {
  no_vision: message('Not sent: the model does not accept pictures.'),
  not_allowed: message('Not sent: they stay in your network.'),
  no_room: message('Some were not sent: they are too large or cannot be read.'),
}

/** Shows which model answered and why, and regenerates the answer with another one. */
export function AnswerDetails({
  message,
  isBusy,
  canChooseModel,
  onRegenerate,
}: {
  message: Message
  isBusy: boolean
  /** The owner of an avee chooses the model for everybody else. */
  canChooseModel: boolean
  onRegenerate: (model: string) => void
}) {
  // A message without a model is a reply from the avee's owner; its reason says this.
  if (!message.model)
    return message.model_reason && <span className="answer-details">{message.model_reason}</span>
  const name = message.model === 'extractive' ? builtInName() : message.model
  const tokens = message.usage?.completion_tokens
  return (
    <Popover
      label={t('Answer details')}
      trigger={
        <button type="button" className="answer-details">
          {name}
          <span className="visually-hidden">: {t('Answer details')}</span>
        </button>
      }
    >
      <dl className="fact-list">
        <dt>{t('Model')}</dt>
        <dd>{name}</dd>
        {message.model_reason && (
          <>
            <dt>{t('Reason')}</dt>
            <dd>{message.model_reason}</dd>
          </>
        )}
        {tokens != null && (
          <>
            <dt>{t('Length')}</dt>
            <dd>{t('{count, plural, one {# token} other {# tokens}}', { count: tokens })}</dd>
          </>
        )}
        {message.cost !== undefined && (
          <>
            <dt>{t('Cost')}</dt>
            <dd>{formatCost(message.cost)}</dd>
          </>
        )}
        {message.run_id && tokens != null && <Speed runId={message.run_id} tokens={tokens} />}
        {message.images !== undefined && (
          <>
            <dt>{t('Pictures')}</dt>
            <dd>
              {message.images_left_out
                ? t(leftOut[message.images_left_out])
                : t('{count, plural, one {# picture} other {# pictures}}', { count: message.images })}
            </dd>
          </>
        )}
        {message.page_images !== undefined && (
          <>
            <dt>{t('Pages as pictures')}</dt>
            <dd>{t('{count, plural, one {# page} other {# pages}}', { count: message.page_images })}</dd>
          </>
        )}
        <dt>{t('Date')}</dt>
        <dd>{formatFullTime(message.created_at)}</dd>
      </dl>
      {!isBusy && canChooseModel && <OtherModels current={message.model} onSelect={onRegenerate} />}
    </Popover>
  )
}

/** The duration of an answer. It comes from the run, which is loaded only when the details are open. */
function Speed({ runId, tokens }: { runId: string; tokens: number }) {
  const api = useApi()
  const run = useQuery({
    queryKey: keys.run(runId),
    queryFn: () => api.call(getRun, { params: { id: runId } }),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  })
  if (!run.data?.finished_at) return null
  const seconds = (Date.parse(run.data.finished_at) - Date.parse(run.data.created_at)) / 1_000
  return (
    <>
      <dt>{t('Response time')}</dt>
      <dd>
        {seconds > 0
          ? t('{time}, {count, plural, one {# token} other {# tokens}} per second', {
              time: formatSeconds(seconds),
              count: Math.round(tokens / seconds),
            })
          : formatSeconds(seconds)}
      </dd>
    </>
  )
}

/** Loads the models only when the details are open. */
function OtherModels({ current, onSelect }: { current: string; onSelect: (model: string) => void }) {
  const api = useApi()
  const list = useQuery({ queryKey: keys.modelList, queryFn: () => api.call(listModels), staleTime: 60_000 })
  const others = (list.data?.models ?? []).filter(
    (model) => model.name !== current && model.provider !== 'extractive' && canAnswer(model),
  )
  if (others.length === 0) return null
  return (
    <div className="other-models">
      <h3>{t('Regenerate with')}</h3>
      {others.map((model) => (
        <Button key={model.name} small onClick={() => onSelect(model.name)}>
          <span className="truncate">{model.name}</span>
        </Button>
      ))}
    </div>
  )
}
