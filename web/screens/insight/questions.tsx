import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import {
  answerQuestion,
  dismissQuestion,
  listQuestions,
  type QuestionState,
  type UnansweredQuestion,
} from '../../../contract/avee-insight.ts'
import type { Avee } from '../../../contract/avees.ts'
import type { Layer } from '../../../contract/layers.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { layerLabels, layerOptions } from '../../documents/layers.ts'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { SelectField, SmallSelect, TextArea, TextField } from '../../ui/field.tsx'
import { formatCount } from '../../ui/format.ts'
import { Badge, EmptyState, ErrorState, errorMessage, Notice, Skeleton } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { formatDay } from './days.ts'

const states: { value: QuestionState; title: string }[] = [
  { value: 'open', title: 'Open' },
  { value: 'answered', title: 'Answered' },
  { value: 'dismissed', title: 'Dismissed' },
]
const reasons: Record<UnansweredQuestion['reason'], string> = {
  no_passage: 'No passage fitted',
  said_so: 'It said it did not know',
  passed_on: 'Passed on to you',
}

/** What an avee could not answer: answered here once, it is answered next time. */
export function Questions({ avee }: { avee: Avee }) {
  const api = useApi()
  const [state, setState] = useState<QuestionState>('open')
  const list = useQuery({
    queryKey: keys.questionsIn(avee.id, state),
    queryFn: () => api.call(listQuestions, { params: { id: avee.id }, query: { state } }),
  })
  const which = (
    <SmallSelect
      label="Which questions"
      value={state}
      onChange={(event) => setState(event.target.value as QuestionState)}
    >
      {states.map(({ value, title }) => (
        <option key={value} value={value}>
          {title}
        </option>
      ))}
    </SmallSelect>
  )
  return (
    <Section
      title="Questions it could not answer"
      text="Those in about the same words stand together. Your answer becomes a document, so that it is answered next time."
      actions={which}
    >
      {list.isError && !list.data ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.data ? (
        <Skeleton height="8rem" />
      ) : list.data.questions.length === 0 ? (
        <EmptyState title={state === 'open' ? 'Nothing waits for you' : 'None'}>
          {state === 'open' && 'Questions of others come here when they have agreed to it; see Settings.'}
        </EmptyState>
      ) : (
        <ul className="questions">
          {list.data.questions.map((question) => (
            <QuestionCard key={question.id} avee={avee} question={question} />
          ))}
        </ul>
      )}
      {list.data && list.data.hidden > 0 && (
        <Notice>
          {formatCount(list.data.hidden, 'further question')} of people who have not agreed to their being
          shown.
        </Notice>
      )}
    </Section>
  )
}

function QuestionCard({ avee, question }: { avee: Avee; question: UnansweredQuestion }) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const [isAnswering, setIsAnswering] = useState(false)
  const dismiss = useMutation({
    mutationFn: () => api.call(dismissQuestion, { params: { id: avee.id, question_id: question.id } }),
    onError: (error) => tell(errorMessage(error), 'bad'),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.questions(avee.id) }),
  })
  const waiting = question.passed_on.filter(({ replied }) => !replied).length
  return (
    <li className="question-card">
      <h3>{question.question ?? 'A question that is not shown'}</h3>
      <p className="question-facts">
        <Badge {...(waiting > 0 ? { kind: 'accent' as const } : {})}>{reasons[question.reason]}</Badge>
        <span>{formatCount(question.count, 'time')}</span>
        <span>{layerLabels[question.layer].title}</span>
        <span>last {formatDay(question.last_asked)}</span>
      </p>
      {question.passed_on.map((sent) => (
        <blockquote key={`${sent.from} ${sent.passed_on_at}`}>
          <p className="small">
            <strong>{sent.from}</strong> asks: {sent.question}
          </p>
          {sent.note && <p className="small soft">{sent.note}</p>}
          {sent.replied && <p className="small soft">You have replied.</p>}
        </blockquote>
      ))}
      {isAnswering ? (
        <AnswerForm avee={avee} question={question} waiting={waiting} onDone={() => setIsAnswering(false)} />
      ) : (
        <div className="question-actions">
          <Button small variant="primary" onClick={() => setIsAnswering(true)}>
            {question.state === 'answered' ? 'Answer again' : 'Answer'}
          </Button>
          {question.state === 'open' && (
            <Button small variant="quiet" busy={dismiss.isPending} onClick={() => dismiss.mutate()}>
              Dismiss
            </Button>
          )}
        </div>
      )}
    </li>
  )
}

function AnswerForm({
  avee,
  question,
  waiting,
  onDone,
}: {
  avee: Avee
  question: UnansweredQuestion
  /** People who passed it on and have no reply yet. */
  waiting: number
  onDone: () => void
}) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const [words, setWords] = useState(question.question ?? '')
  const [answer, setAnswer] = useState('')
  const [layer, setLayer] = useState<Layer>(question.layer)
  const [keep, setKeep] = useState(true)
  const send = useMutation({
    mutationFn: () =>
      api.call(answerQuestion, {
        params: { id: avee.id, question_id: question.id },
        body: {
          answer: answer.trim(),
          layer,
          question: words.trim(),
          keep,
        },
      }),
    onSuccess: async ({ document_id, replies }) => {
      const kept = document_id ? 'It is in the documents now' : 'Not kept'
      tell(replies > 0 ? `${kept}; ${formatCount(replies, 'reply', 'replies')} sent.` : `${kept}.`)
      onDone()
      await Promise.all([
        queries.invalidateQueries({ queryKey: keys.questions(avee.id) }),
        queries.invalidateQueries({ queryKey: keys.documents }),
      ])
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (answer.trim() && words.trim()) send.mutate()
  }
  return (
    <form className="insight-form" onSubmit={submit}>
      <TextField
        label="Question"
        value={words}
        onChange={(event) => setWords(event.target.value)}
        maxLength={1000}
      />
      <TextArea
        label="Your answer"
        value={answer}
        onChange={(event) => setAnswer(event.target.value)}
        maxLength={20_000}
        autoFocus
      />
      <SelectField
        label="Who may be told"
        value={layer}
        onChange={(event) => setLayer(event.target.value as Layer)}
        hint={
          waiting > 0
            ? `Goes to ${formatCount(waiting, 'person', 'people')} who passed it on, as far as they see this layer.`
            : undefined
        }
      >
        {layerOptions.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.title}
          </option>
        ))}
      </SelectField>
      {waiting > 0 && (
        <label className="check">
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.target.checked)} />
          Add it to the documents too
        </label>
      )}
      {send.error && <Notice kind="bad">{errorMessage(send.error)}</Notice>}
      <div className="question-actions">
        <Button
          small
          type="submit"
          variant="primary"
          busy={send.isPending}
          disabled={!answer.trim() || !words.trim()}
        >
          {waiting > 0 ? 'Reply' : 'Add the answer'}
        </Button>
        <Button small variant="quiet" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  )
}
