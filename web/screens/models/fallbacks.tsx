import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ArrowDown, ArrowUp, X } from 'lucide-react'
import { getFallbacks, listAvailableModels, setFallbacks } from '../../../contract/models.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { IconButton } from '../../ui/button.tsx'
import { SmallSelect } from '../../ui/field.tsx'
import { errorMessage } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'

/** The order of fallback models, for administrators. */
export function Fallbacks() {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const fallbacks = useQuery({ queryKey: keys.fallbacks, queryFn: () => api.call(getFallbacks) })
  const available = useQuery({
    queryKey: keys.availableModels,
    queryFn: () => api.call(listAvailableModels),
  })
  const save = useMutation({
    mutationFn: (models: string[]) => api.call(setFallbacks, { body: { models } }),
    onSuccess: (saved) => queries.setQueryData(keys.fallbacks, saved),
    onError: (error) => showToast(errorMessage(error), 'bad'),
  })
  const chosen = fallbacks.data?.models ?? []
  const others = (available.data ?? []).filter(
    ({ id, capabilities }) => capabilities.includes('chat') && !chosen.includes(id),
  )
  if (chosen.length === 0 && others.length === 0) return null
  const swap = (i: number): void => {
    const [first, second] = chosen.slice(i, i + 2)
    if (first !== undefined && second !== undefined)
      save.mutate([...chosen.slice(0, i), second, first, ...chosen.slice(i + 2)])
  }
  return (
    <Section
      title={t('Fallbacks')}
      text={t('Used in this order when the selected model cannot be reached.')}
      actions={
        others.length > 0 && (
          <SmallSelect
            label={t('Add a fallback')}
            value=""
            disabled={save.isPending}
            onChange={(event) => save.mutate([...chosen, event.target.value])}
          >
            <option value="" disabled>
              {t('Add a model')}
            </option>
            {others.map(({ id }) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </SmallSelect>
        )
      }
    >
      {chosen.length > 0 && (
        <ol className="rows">
          {chosen.map((model, i) => (
            <Row
              key={model}
              title={<span className="truncate">{model}</span>}
              facts={t('Position {n}', { n: i + 1 })}
            >
              <IconButton
                label={t('Move {model} up', { model })}
                icon={ArrowUp}
                small
                disabled={i === 0 || save.isPending}
                onClick={() => swap(i - 1)}
              />
              <IconButton
                label={t('Move {model} down', { model })}
                icon={ArrowDown}
                small
                disabled={i === chosen.length - 1 || save.isPending}
                onClick={() => swap(i)}
              />
              <IconButton
                label={t('Remove {model}', { model })}
                icon={X}
                small
                disabled={save.isPending}
                onClick={() => save.mutate(chosen.filter((other) => other !== model))}
              />
            </Row>
          ))}
        </ol>
      )}
    </Section>
  )
}
