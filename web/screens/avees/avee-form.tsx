import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { type Avee, updateAvee, type Visibility } from '../../../contract/avees.ts'
import { listModels } from '../../../contract/models.ts'
import { ApiError, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Button } from '../../ui/button.tsx'
import { RadioGroup, SelectField, TextArea, TextField } from '../../ui/field.tsx'
import { Notice } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { AvatarField } from './avatar-field.tsx'

type Changes = Partial<
  Pick<
    Avee,
    | 'avatar'
    | 'display_name'
    | 'handle'
    | 'bio'
    | 'persona'
    | 'persona_notes'
    | 'greeting'
    | 'model'
    | 'visibility'
  >
>

const visibilities: { value: Visibility; title: string; text: string }[] = [
  { value: 'private', title: 'Private', text: 'Only you, and people you let in under People.' },
  { value: 'unlisted', title: 'Unlisted', text: 'Whoever knows its handle may talk with it.' },
  { value: 'public', title: 'Public', text: 'Listed for everyone on this server.' },
]

/** Everything that makes an avee who it is. */
export function AveeForm({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const tell = useToast()
  const [path, navigate] = useLocation()
  const [changes, setChanges] = useState<Changes>({})
  const models = useQuery({ queryKey: keys.modelList, queryFn: () => api.call(listModels) })
  const now = { ...avee, ...changes }
  const isChanged = Object.entries(changes).some(([name, value]) => avee[name as keyof Avee] !== value)
  const change = (more: Changes): void => setChanges((former) => ({ ...former, ...more }))

  const save = useMutation({
    mutationFn: () => api.call(updateAvee, { params: { id: avee.id }, body: changes }),
    onSuccess: async (saved) => {
      queries.setQueryData(keys.avee(saved.handle), saved)
      setChanges({})
      tell('Saved.')
      if (path !== `/avee/${saved.handle}`) navigate(`/avee/${saved.handle}`, { replace: true })
      await queries.invalidateQueries({ queryKey: keys.avees })
    },
  })
  const isTaken = save.error instanceof ApiError && save.error.status === 409
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    save.mutate()
  }
  const answering = (models.data?.models ?? []).filter(
    (model) => model.capabilities.length === 0 || model.capabilities.includes('completion'),
  )
  return (
    <form className="stack" onSubmit={submit}>
      <AvatarField
        name={now.display_name}
        picture={now.avatar ?? null}
        onChange={(avatar) => change({ avatar })}
      />
      <div className="two-columns">
        <TextField
          label="Name"
          value={now.display_name}
          maxLength={100}
          required
          onChange={(event) => change({ display_name: event.target.value })}
        />
        {!avee.is_library && (
          <TextField
            label="Handle"
            value={now.handle}
            maxLength={30}
            required
            autoCapitalize="off"
            spellCheck={false}
            error={isTaken ? save.error?.message : undefined}
            onChange={(event) => change({ handle: event.target.value.toLowerCase() })}
          />
        )}
      </div>
      <TextArea
        label="In short"
        hint="Shown to everyone who may see it."
        rows={2}
        maxLength={500}
        value={now.bio}
        onChange={(event) => change({ bio: event.target.value })}
      />
      <TextArea
        label="Persona"
        hint="How it speaks and what it is about. Visitors never see this text."
        rows={8}
        maxLength={40_000}
        value={now.persona ?? ''}
        onChange={(event) => change({ persona: event.target.value })}
      />
      <TextArea
        label="Greeting"
        hint="What it says before the first question."
        rows={2}
        maxLength={2_000}
        value={now.greeting}
        onChange={(event) => change({ greeting: event.target.value })}
      />
      {(avee.persona_notes || changes.persona_notes !== undefined) && (
        <TextArea
          label="What has been learned about it"
          hint="From what you said with a thumb about its answers. You can correct it."
          rows={4}
          maxLength={40_000}
          value={now.persona_notes ?? ''}
          onChange={(event) => change({ persona_notes: event.target.value })}
        />
      )}
      <SelectField
        label="Model"
        value={now.model ?? ''}
        onChange={(event) => change({ model: event.target.value || null })}
      >
        <option value="">The one that answers everywhere</option>
        {now.model && !answering.some((model) => model.name === now.model) && (
          <option value={now.model}>{now.model} (not there now)</option>
        )}
        {answering.map((model) => (
          <option key={model.name} value={model.name}>
            {model.name}
          </option>
        ))}
      </SelectField>
      {!avee.is_library && (
        <RadioGroup
          label="Who may find it"
          name="visibility"
          value={now.visibility}
          options={visibilities}
          onChange={(visibility) => change({ visibility })}
        />
      )}
      {save.error && !isTaken && <Notice kind="bad">{save.error.message}</Notice>}
      <div className="form-actions">
        <Button variant="primary" type="submit" busy={save.isPending} disabled={!isChanged}>
          Save
        </Button>
        {isChanged && (
          <Button variant="quiet" onClick={() => setChanges({})}>
            Discard changes
          </Button>
        )}
      </div>
    </form>
  )
}
