import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useEffect, useEffectEvent } from 'react'
import { useLocation } from 'wouter'
import { type Avee, updateAvee, type Visibility } from '../../../contract/avees.ts'
import { listModels } from '../../../contract/models.ts'
import type { BodyOf } from '../../../contract/operation.ts'
import { ApiError, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { canAnswer, modelName } from '../../models/model-name.ts'
import { Button } from '../../ui/button.tsx'
import { RadioGroup, SelectField, TextArea, TextField } from '../../ui/field.tsx'
import { linesOf } from '../../ui/lines.ts'
import { Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { useDraftState } from '../../ui/use-draft-state.ts'
import { AvatarField } from './avatar-field.tsx'
import { EmbedSettings } from './embed-settings.tsx'
import { PublishChecklist } from './publish-checklist.tsx'
import { Trial } from './trial.tsx'
import './avee-form.css'

const fieldNames = [
  'avatar',
  'display_name',
  'handle',
  'bio',
  'persona',
  'persona_notes',
  'example_dialogue',
  'greeting',
  'model',
  'visibility',
  'anonymous',
] as const
/** The lists have one entry per line. */
type Fields = Pick<Avee, (typeof fieldNames)[number]> & { example_questions: string; embed_origins: string }

const fieldsOf = (avee: Avee): Fields => ({
  ...(Object.fromEntries(fieldNames.map((name) => [name, avee[name]])) as Fields),
  example_questions: avee.example_questions.join('\n'),
  embed_origins: (avee.embed_origins ?? []).join('\n'),
})

const questionsOf = ({ example_questions }: Fields): string[] => linesOf(example_questions)
/** Returns the origins of the entered addresses; keeps invalid ones, which the server refuses. */
const originsOf = ({ embed_origins }: Fields): string[] =>
  linesOf(embed_origins).map((line) => URL.parse(line)?.origin ?? line)

const changesOf = (avee: Avee, edited: Fields): BodyOf<typeof updateAvee> => ({
  ...Object.fromEntries(
    fieldNames.filter((name) => edited[name] !== avee[name]).map((name) => [name, edited[name]]),
  ),
  ...(questionsOf(edited).join('\n') === avee.example_questions.join('\n')
    ? {}
    : { example_questions: questionsOf(edited) }),
  ...(originsOf(edited).join('\n') === (avee.embed_origins ?? []).join('\n')
    ? {}
    : { embed_origins: originsOf(edited) }),
})

const visibilityOptions: { value: Visibility; title: Message; text: Message }[] = [
  { value: 'private', title: message('Private'), text: message('Only you and the people you invite.') },
  { value: 'unlisted', title: message('Unlisted'), text: message('Anyone with the link.') },
  {
    value: 'public',
    title: message('Public'),
    text: message(
      'Listed under Discover for everyone on this server. The sign-in screen shows its name and picture to those who follow a link to it.',
    ),
  },
]

/** Edits an avee's profile, persona, model and visibility, beside a trial. */
export function AveeForm({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [path, navigate] = useLocation()
  const [edited, change, discard] = useDraftState<Fields>(`avee ${avee.id}`, fieldsOf(avee))
  const models = useQuery({ queryKey: keys.modelList, queryFn: () => api.call(listModels) })
  const changes = changesOf(avee, edited)
  const isChanged = Object.keys(changes).length > 0
  const onLeave = useEffectEvent(() => {
    if (isChanged)
      showToast(
        t('Your changes to {name} are not saved yet. They are kept in this browser.', {
          name: avee.display_name,
        }),
      )
  })
  useEffect(() => () => onLeave(), [])

  const save = useMutation({
    mutationFn: () => api.call(updateAvee, { params: { id: avee.id }, body: changes }),
    onSuccess: async (saved) => {
      queries.setQueryData(keys.avee(saved.handle), saved)
      discard()
      showToast(t('Changes saved.'))
      if (path !== `/avee/${saved.handle}`) navigate(`/avee/${saved.handle}`, { replace: true })
      await queries.invalidateQueries({ queryKey: keys.avees })
    },
  })
  const isHandleTaken = save.error instanceof ApiError && save.error.status === 409
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    save.mutate()
  }
  const languageModels = (models.data?.models ?? []).filter(canAnswer)
  const texts = {
    display_name: edited.display_name,
    avatar: edited.avatar,
    bio: edited.bio,
    persona: edited.persona ?? '',
    exampleDialogue: edited.example_dialogue ?? '',
    greeting: edited.greeting,
    questions: questionsOf(edited),
  }
  const form = (
    <form className="stack" onSubmit={submit}>
      <AvatarField
        name={edited.display_name}
        picture={edited.avatar ?? null}
        onChange={(avatar) => change({ avatar })}
      />
      <div className="two-columns">
        <TextField
          label={t('Name')}
          value={edited.display_name}
          maxLength={100}
          required
          onChange={(event) => change({ display_name: event.target.value })}
        />
        {!avee.is_library && (
          <TextField
            label={t('Handle')}
            value={edited.handle}
            maxLength={30}
            required
            autoCapitalize="off"
            spellCheck={false}
            error={isHandleTaken ? save.error?.message : undefined}
            onChange={(event) => change({ handle: event.target.value.toLowerCase() })}
          />
        )}
      </div>
      <TextArea
        label={t('Description')}
        hint={t('Shown on its profile.')}
        rows={2}
        maxLength={500}
        value={edited.bio}
        onChange={(event) => change({ bio: event.target.value })}
      />
      <TextArea
        label={t('Persona')}
        hint={t('Its character, tone and subjects. This text is not shown to visitors.')}
        rows={8}
        maxLength={40_000}
        value={edited.persona ?? ''}
        onChange={(event) => change({ persona: event.target.value })}
      />
      {!avee.is_library && (
        <TextArea
          label={t('Example dialogue')}
          hint={t('Sample lines that set the tone of its answers. This text is not shown to visitors.')}
          placeholder={t('User: Are you open today?\n{name}: Always, if you bring cake.', {
            name: edited.display_name,
          })}
          rows={4}
          maxLength={20_000}
          value={edited.example_dialogue ?? ''}
          onChange={(event) => change({ example_dialogue: event.target.value })}
        />
      )}
      <TextArea
        label={t('Greeting')}
        hint={t('The first message of every new conversation.')}
        rows={2}
        maxLength={2_000}
        value={edited.greeting}
        onChange={(event) => change({ greeting: event.target.value })}
      />
      {!avee.is_library && (
        <TextArea
          label={t('Example questions')}
          hint={t('One per line, up to 8. New conversations offer them.')}
          rows={3}
          value={edited.example_questions}
          error={questionsOf(edited).length > 8 ? t('Enter at most 8 questions.') : undefined}
          onChange={(event) => change({ example_questions: event.target.value })}
        />
      )}
      {(avee.persona_notes || edited.persona_notes) && (
        <TextArea
          label={t('Persona notes')}
          hint={t('Added from your feedback on its answers. You can edit them.')}
          rows={4}
          maxLength={40_000}
          value={edited.persona_notes ?? ''}
          onChange={(event) => change({ persona_notes: event.target.value })}
        />
      )}
      <SelectField
        label={t('Model')}
        value={edited.model ?? ''}
        onChange={(event) => change({ model: event.target.value || null })}
      >
        <option value="">{t('Server default')}</option>
        {edited.model && !languageModels.some((model) => model.name === edited.model) && (
          <option value={edited.model}>{t('{model} (not installed)', { model: edited.model })}</option>
        )}
        {languageModels.map((model) => (
          <option key={model.name} value={model.name}>
            {modelName(model)}
          </option>
        ))}
      </SelectField>
      {!avee.is_library && (
        <RadioGroup
          label={t('Visibility')}
          name="visibility"
          value={edited.visibility}
          options={visibilityOptions.map(({ value, title, text }) => ({
            value,
            title: t(title),
            text: t(text),
          }))}
          onChange={(visibility) => change({ visibility })}
        />
      )}
      {edited.visibility === 'public' && (
        <label className="choice">
          <input
            type="checkbox"
            checked={edited.anonymous}
            onChange={(event) => change({ anonymous: event.target.checked })}
          />
          <span className="choice-text">
            {t('Open to visitors without an account')}
            <small>
              {t('Anyone with the link can ask at the public layer. Nothing is remembered about visitors.')}
            </small>
          </span>
        </label>
      )}
      {edited.visibility === 'public' && edited.anonymous && (
        <EmbedSettings
          avee={avee}
          value={edited.embed_origins}
          onChange={(embed_origins) => change({ embed_origins })}
        />
      )}
      {!avee.is_library && <PublishChecklist avee={avee} edited={texts} />}
      {save.error && !isHandleTaken && <Notice kind="bad">{save.error.message}</Notice>}
      <div className="form-actions">
        <Button variant="primary" type="submit" busy={save.isPending} disabled={!isChanged}>
          {t('Save')}
        </Button>
        {isChanged && (
          <Button variant="quiet" onClick={discard}>
            {t('Discard changes')}
          </Button>
        )}
      </div>
    </form>
  )
  return (
    <div className="studio">
      {form}
      <Trial avee={avee} edited={texts} />
    </div>
  )
}
