import { useMutation } from '@tanstack/react-query'
import { RotateCcw, Send } from 'lucide-react'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { tryAvee } from '../../../contract/chat.ts'
import type { Layer } from '../../../contract/layers.ts'
import { answerFold, errorText } from '../../api/index.ts'
import { useApi, useRun, useRunHub } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { Button, IconButton, Spinner } from '../../ui/button.tsx'
import { directionOfText, SmallSelect } from '../../ui/field.tsx'
import { Markdown } from '../../ui/markdown/markdown.tsx'
import { Avatar, Notice } from '../../ui/state.tsx'
import './trial.css'

/**
 * The roles of the asker, with the layer that each may see. Followers see no more than strangers until the owner grants
 * access.
 */
const askers: { layer: Layer; title: Message }[] = [
  { layer: 'public', title: message('a stranger or follower') },
  { layer: 'friends', title: message('a friend') },
  { layer: 'intimate', title: message('someone you trust most') },
]

/** The server reads at most this many earlier messages. */
const maxHistory = 20

type TrialTurn = { question: string; runId: string }

/**
 * A trial conversation with an avee's unsaved persona and greeting, in the role of a stranger or friend. No
 * conversation is stored.
 */
export function Trial({
  avee,
  edited,
}: {
  avee: Avee
  edited: {
    display_name: string
    avatar: string | null
    persona: string
    exampleDialogue: string
    greeting: string
    questions: string[]
  }
}) {
  const api = useApi()
  const hub = useRunHub()
  const [layer, setLayer] = useState<Layer>('public')
  const [question, setQuestion] = useState('')
  const [turns, setTurns] = useState<TrialTurn[]>([])
  const last = useRun(turns.at(-1)?.runId, answerFold)
  const ask = useMutation({
    mutationFn: async (asked: string) => {
      const history = turns.flatMap((turn) => [
        { role: 'user' as const, content: turn.question },
        { role: 'assistant' as const, content: hub.follow(turn.runId, answerFold).getSnapshot().value.text },
      ])
      const response = await api.open(tryAvee, {
        params: { id: avee.id },
        body: {
          question: asked,
          layer,
          persona: edited.persona,
          example_dialogue: edited.exampleDialogue,
          history: history.slice(-maxHistory),
        },
      })
      const { runId } = hub.adopt(response, answerFold)
      setTurns([...turns, { question: asked, runId }])
      setQuestion('')
    },
  })
  const thread = useRef<HTMLDivElement>(null)
  const written = last?.value.text
  useEffect(() => {
    if (turns.length > 0) thread.current?.scrollTo({ top: thread.current.scrollHeight })
  }, [turns, written])
  const isBusy =
    ask.isPending || (last !== undefined && last.connection !== 'ended' && last.connection !== 'refused')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (question.trim() && !isBusy) ask.mutate(question.trim())
  }
  const reset = (): void => {
    setTurns([])
    ask.reset()
  }
  return (
    <section className="trial" aria-label={t('Try it')}>
      <div className="trial-head">
        <h2>{t('Try it as')}</h2>
        <SmallSelect
          label={t('Who asks')}
          value={layer}
          onChange={(event) => {
            setLayer(event.target.value as Layer)
            reset()
          }}
        >
          {askers.map((asker) => (
            <option key={asker.layer} value={asker.layer}>
              {t(asker.title)}
            </option>
          ))}
        </SmallSelect>
        <IconButton
          label={t('Start over')}
          icon={RotateCcw}
          small
          disabled={turns.length === 0}
          onClick={reset}
        />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it */}
      <div ref={thread} className="trial-thread" role="log" aria-label={t('Trial conversation')} tabIndex={0}>
        <div className="trial-greeting">
          <Avatar name={edited.display_name} picture={edited.avatar} size={56} />
          <p dir="auto">
            {edited.greeting || t('Start a conversation with {name}.', { name: edited.display_name })}
          </p>
        </div>
        {turns.map((turn) => (
          <Turn key={turn.runId} turn={turn} />
        ))}
        {ask.error && <Notice kind="bad">{ask.error.message}</Notice>}
      </div>
      {turns.length === 0 && edited.questions.length > 0 && (
        <div className="trial-questions">
          {edited.questions.map((example) => (
            <Button key={example} small disabled={isBusy} onClick={() => ask.mutate(example)}>
              <bdi>{example}</bdi>
            </Button>
          ))}
        </div>
      )}
      <form className="trial-form" onSubmit={submit}>
        <input
          className="input"
          dir={directionOfText(question)}
          aria-label={t('Trial question')}
          placeholder={t('Ask {name}', { name: edited.display_name })}
          value={question}
          onChange={(event) => setQuestion(event.target.value)}
        />
        <IconButton type="submit" label={t('Send')} icon={Send} disabled={!question.trim() || isBusy} />
      </form>
      <p className="small soft">
        {t(
          'Uses your unsaved persona and the documents of this layer. No memories or conversations are stored.',
        )}
      </p>
    </section>
  )
}

function Turn({ turn }: { turn: TrialTurn }) {
  const run = useRun(turn.runId, answerFold)
  const { text, citations, error, waitingFor } = run?.value ?? {}
  const failure = error ? errorText(error) : run?.error?.message
  const titles = [
    ...new Set(
      citations?.flatMap((citation) =>
        citation.status === 'available' && citation.cited ? [citation.title] : [],
      ),
    ),
  ]
  return (
    <>
      <p className="trial-question" dir="auto">
        {turn.question}
      </p>
      <div className="trial-answer">
        {text ? (
          <Markdown text={text} />
        ) : (
          !failure && (
            <p className="soft small">
              <Spinner size={14} /> {waitingFor ?? t('Thinking…')}
            </p>
          )
        )}
        {failure && <Notice kind="bad">{failure}</Notice>}
        {titles.length > 0 && (
          <p className="small soft">{t('Sources: {titles}', { titles: titles.join(', ') })}</p>
        )}
      </div>
    </>
  )
}
