import { useQuery } from '@tanstack/react-query'
import { ChevronDown, Sparkles } from 'lucide-react'
import { useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { listModels } from '../../../contract/models.ts'
import { keys } from '../../api/index.ts'
import { useApi, useServerStatus } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { canAnswer, modelName } from '../../models/model-name.ts'
import { Button } from '../../ui/button.tsx'
import { loadLocally, saveLocally } from '../../ui/local-storage.ts'
import { Menu, MenuItem } from '../../ui/menu.tsx'

/** A model by name, or the stronger model of the configured pair. */
export type ChosenModel = { name: string; strong?: never } | { name?: never; strong: true }

/** Returns the model chosen for an avee in this browser; undefined for the avee's own. */
export function useChosenModel(
  avee: Avee,
): [ChosenModel | undefined, (model: ChosenModel | undefined) => void] {
  const key = `model:${avee.id}`
  const [model, setModel] = useState(() => parse(loadLocally(key)))
  const choose = (chosen: ChosenModel | undefined): void => {
    setModel(chosen)
    saveLocally(key, chosen && (chosen.strong ? 'strong' : `name:${chosen.name}`))
  }
  return [model, choose]
}

function parse(stored: string | undefined): ChosenModel | undefined {
  if (stored === 'strong') return { strong: true }
  return stored?.startsWith('name:') ? { name: stored.slice(5) } : undefined
}

/** Selects the model of the next question: owners of the avee may select any model, others the stronger one. */
export function ModelPicker({
  avee,
  value,
  onChange,
}: {
  avee: Avee
  value: ChosenModel | undefined
  onChange: (model: ChosenModel | undefined) => void
}) {
  const status = useServerStatus()
  const strong = status.data?.strong_model
  const isStrong = value?.strong === true
  const usual = avee.model ?? status.data?.active_model
  return (
    <>
      {avee.is_owner && (
        <Menu
          align="start"
          trigger={
            <Button small variant="quiet" className="model-picker">
              <span className="visually-hidden">{t('Model:')}</span>
              <span className="truncate">{isStrong ? strong : modelLabel(value?.name ?? usual ?? '')}</span>
              <ChevronDown size={14} aria-hidden />
            </Button>
          }
        >
          <MenuItem checked={!value} onSelect={() => onChange(undefined)}>
            {usual ? t('Default ({model})', { model: modelLabel(usual) }) : t('Default')}
          </MenuItem>
          <Models value={value?.name} onSelect={(name) => onChange({ name })} />
        </Menu>
      )}
      {strong && (
        <Button
          small
          variant="quiet"
          icon={Sparkles}
          className="stronger-model"
          aria-pressed={isStrong}
          title={strong}
          onClick={() => onChange(isStrong ? undefined : { strong: true })}
        >
          <span>{t('Stronger model')}</span>
        </Button>
      )}
    </>
  )
}

const modelLabel = (name: string): string =>
  name === 'extractive' ? modelName({ name, provider: 'extractive' }) : name

/** Lists the models, loaded when the menu opens. */
function Models({ value, onSelect }: { value: string | undefined; onSelect: (name: string) => void }) {
  const api = useApi()
  const list = useQuery({ queryKey: keys.modelList, queryFn: () => api.call(listModels), staleTime: 60_000 })
  if (!list.data)
    return <MenuItem disabled>{list.isError ? list.error.message : t('Loading models…')}</MenuItem>
  return list.data.models.filter(canAnswer).map((model) => (
    <MenuItem
      key={`${model.provider} ${model.name}`}
      checked={model.name === value}
      onSelect={() => onSelect(model.name)}
    >
      {modelName(model)}
    </MenuItem>
  ))
}
