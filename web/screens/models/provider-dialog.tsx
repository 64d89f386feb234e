import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import {
  createProvider,
  type ModelProvider,
  type ProviderKind,
  updateProvider,
} from '../../../contract/models.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Notice } from '../../ui/state.tsx'
import { kindLabels } from './provider-kinds.ts'

const defaultAddresses: Partial<Record<ProviderKind, string>> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  ollama: 'http://127.0.0.1:11434',
}

/** Adds a provider of models, or changes one. */
export function ProviderDialog({ provider, onClose }: { provider?: ModelProvider; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [kind, setKind] = useState<ProviderKind>(provider?.kind ?? 'openai')
  const [name, setName] = useState(provider?.name ?? '')
  const [address, setAddress] = useState(provider?.base_url ?? '')
  const [key, setKey] = useState('')
  const [parallel, setParallel] = useState(String(provider?.max_parallel ?? ''))
  const save = useMutation({
    mutationFn: () => {
      const body = {
        name: name.trim(),
        ...(address.trim() === (provider?.base_url ?? '') ? {} : { base_url: address.trim() }),
        ...(key ? { api_key: key } : {}),
        max_parallel: parallel ? Number(parallel) : null,
      }
      return provider?.id
        ? api.call(updateProvider, { params: { id: provider.id }, body })
        : api.call(createProvider, { body: { ...body, kind } })
    },
    onSuccess: async () => {
      onClose()
      await queries.invalidateQueries({ queryKey: keys.models })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={provider ? t('Edit {name}', { name: provider.name }) : t('Add provider')}
    >
      <form onSubmit={submit} className="dialog-form">
        {!provider && (
          <SelectField
            label={t('Kind')}
            value={kind}
            onChange={(event) => setKind(event.target.value as ProviderKind)}
          >
            {Object.entries(kindLabels)
              .filter(([value]) => value in defaultAddresses)
              .map(([value, label]) => (
                <option key={value} value={value}>
                  {t(label)}
                </option>
              ))}
          </SelectField>
        )}
        <TextField
          label={t('Name')}
          hint={t('Lower-case letters and digits; the first part of the ids of its models.')}
          value={name}
          required
          maxLength={40}
          autoCapitalize="off"
          spellCheck={false}
          placeholder={kind}
          onChange={(event) => setName(event.target.value.toLowerCase())}
        />
        <TextField
          label={t('Address')}
          hint={
            provider?.has_key
              ? t('Enter the key again for a new address.')
              : t('Leave empty for the default address.')
          }
          type="url"
          dir="ltr"
          value={address}
          placeholder={defaultAddresses[kind]}
          onChange={(event) => setAddress(event.target.value)}
        />
        <TextField
          label={t('API key')}
          hint={
            provider?.has_key
              ? t('Leave empty to keep the current key.')
              : t('Stored encrypted and never shown again.')
          }
          type="password"
          dir="ltr"
          autoComplete="off"
          value={key}
          onChange={(event) => setKey(event.target.value.trim())}
        />
        <TextField
          label={t('Answers at a time')}
          hint={t('Leave empty for no limit.')}
          type="number"
          min={1}
          max={1000}
          value={parallel}
          onChange={(event) => setParallel(event.target.value)}
        />
        {save.error && <Notice kind="bad">{save.error.message}</Notice>}
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button variant="primary" type="submit" busy={save.isPending} disabled={!name.trim()}>
            {provider ? t('Save') : t('Add')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
