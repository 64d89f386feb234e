import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Pencil, Plus, Trash2, Zap } from 'lucide-react'
import { useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import type { BodyOf } from '../../../contract/operation.ts'
import {
  type CustomTool,
  deleteTool,
  listCustomTools,
  testTool,
  updateTool,
} from '../../../contract/tools.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Row } from '../../shell/row.tsx'
import { toolKindLabels } from '../../tools/tool-kinds.ts'
import { Button, IconButton } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'
import { SmallSelect } from '../../ui/field.tsx'
import { Badge, errorMessage, Loaded } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { CustomToolDialog } from './custom-tool-dialog.tsx'
import { EditToolDialog } from './edit-tool-dialog.tsx'
import './custom-tools.css'

/** The tools that the owner has added to an avee. */
export function CustomTools({ avee }: { avee: Avee }) {
  const api = useApi()
  const [isAdding, setIsAdding] = useState(false)
  const [edited, setEdited] = useState<CustomTool>()
  const list = useQuery({
    queryKey: keys.customTools(avee.id),
    queryFn: () => api.call(listCustomTools, { params: { id: avee.id } }),
  })
  return (
    <Section
      title={t('Your tools')}
      text={t(
        'Services that the avee may use with your access. They receive text that the language model writes, which may contain words of the question and of documents.',
      )}
      actions={
        <Button icon={Plus} onClick={() => setIsAdding(true)}>
          {t('Add tool')}
        </Button>
      }
    >
      <Loaded query={list} height="3.75rem">
        {({ tools }) =>
          tools.length === 0 ? (
            <p className="soft">{t('No tools yet.')}</p>
          ) : (
            <ul className="rows custom-tools">
              {tools.map((tool) => (
                <CustomToolRow key={tool.id} tool={tool} onEdit={() => setEdited(tool)} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {isAdding && <CustomToolDialog avee={avee} onClose={() => setIsAdding(false)} onAdded={setEdited} />}
      {edited && <EditToolDialog tool={edited} onClose={() => setEdited(undefined)} />}
    </Section>
  )
}

function CustomToolRow({ tool, onEdit }: { tool: CustomTool; onEdit: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const [isRemoving, setIsRemoving] = useState(false)
  const { name, kind, url, command, functions, last_error } = tool
  const params = { id: tool.avee_id, tool_id: tool.id }
  const refresh = () => queries.invalidateQueries({ queryKey: keys.customTools(tool.avee_id) })
  const test = useMutation({
    mutationFn: () => api.call(testTool, { params }),
    onSuccess: ({ ok, error, latency_ms, tool: tested }) =>
      ok
        ? showToast(
            t('{name} offers {count, plural, one {# function} other {# functions}} ({ms} ms).', {
              name,
              count: tested.functions.length,
              ms: latency_ms,
            }),
          )
        : showToast(error ?? t('{name} is not responding.', { name }), 'bad'),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  const change = useMutation({
    mutationFn: (body: BodyOf<typeof updateTool>) => api.call(updateTool, { params, body }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: refresh,
  })
  const selected = functions.filter((each) => each.selected)
  return (
    <Row
      title={
        <>
          <span className="truncate">{name}</span>
          {last_error !== null && <Badge kind="warn">{t('Unavailable')}</Badge>}
        </>
      }
      facts={
        <>
          {[t(toolKindLabels[kind]), url ?? command].filter(Boolean).join(' · ')}
          {last_error !== null && <span className="tool-error">{last_error}</span>}
          <details className="tool-functions">
            <summary>
              {t('{count, plural, one {# function} other {# functions}}', { count: selected.length })}
            </summary>
            <ul>
              {selected.map((each) => (
                <li key={each.name}>
                  <strong>{each.name}</strong>
                  {each.needs_approval && <Badge>{t('Asks first')}</Badge>}
                  {each.description && <span>{each.description}</span>}
                </li>
              ))}
            </ul>
          </details>
        </>
      }
    >
      <SmallSelect
        label={t('Who may use {name}', { name })}
        value={!tool.enabled ? 'none' : tool.shared ? 'everybody' : 'owner'}
        onChange={({ target: { value } }) =>
          change.mutate({ enabled: value !== 'none', shared: value === 'everybody' })
        }
      >
        <option value="owner">{t('Only you')}</option>
        <option value="everybody">{t('Everyone who asks')}</option>
        <option value="none">{t('Off')}</option>
      </SmallSelect>
      <Button small icon={Zap} busy={test.isPending} onClick={() => test.mutate()}>
        {t('Test')}
      </Button>
      <IconButton label={t('Edit {name}', { name })} icon={Pencil} onClick={onEdit} />
      <IconButton label={t('Remove {name}', { name })} icon={Trash2} onClick={() => setIsRemoving(true)} />
      <ConfirmDialog
        open={isRemoving}
        onOpenChange={setIsRemoving}
        title={t('Remove {name}?', { name })}
        action={t('Remove')}
        onConfirm={async () => {
          await api.call(deleteTool, { params })
          await refresh()
        }}
      >
        {t('The avee can no longer use it, and its headers are deleted.')}
      </ConfirmDialog>
    </Row>
  )
}
