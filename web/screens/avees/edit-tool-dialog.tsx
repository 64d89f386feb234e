import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type CustomTool, updateTool } from '../../../contract/tools.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { Badge, Notice } from '../../ui/state.tsx'
import { headersOf, ToolAddressField, ToolHeadersField, ToolNameField } from './tool-fields.tsx'

/** Changes a tool of an avee, and selects the functions that it offers. */
export function EditToolDialog({ tool, onClose }: { tool: CustomTool; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const { functions, header_names } = tool
  const [name, setName] = useState(tool.name)
  const [url, setUrl] = useState(tool.url ?? '')
  const [headers, setHeaders] = useState('')
  const [selected, setSelected] = useState(
    () => new Set(functions.filter((each) => each.selected).map((each) => each.name)),
  )
  const save = useMutation({
    mutationFn: () =>
      api.call(updateTool, {
        params: { id: tool.avee_id, tool_id: tool.id },
        body: {
          name: name.trim(),
          ...(tool.url !== null && url.trim() !== tool.url && { url: url.trim() }),
          ...(headers.trim() !== '' && { headers: headersOf(headers) }),
          // All functions, including future ones of the service.
          operations: selected.size === functions.length ? null : [...selected],
        },
      }),
    onSuccess: async () => {
      onClose()
      await queries.invalidateQueries({ queryKey: keys.customTools(tool.avee_id) })
    },
  })
  const toggle = (each: string): void =>
    setSelected((current) => {
      const next = new Set(current)
      if (!next.delete(each)) next.add(each)
      return next
    })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Edit {name}', { name: tool.name })}>
      <form onSubmit={submit} className="dialog-form">
        <ToolNameField value={name} onChange={setName} />
        {tool.url !== null && <ToolAddressField kind={tool.kind} value={url} onChange={setUrl} />}
        {tool.kind !== 'mcp_stdio' && (
          <ToolHeadersField
            hint={
              header_names.length > 0
                ? t('Leave empty to keep {names}. What you enter replaces all of them.', {
                    names: header_names.join(', '),
                  })
                : undefined
            }
            value={headers}
            onChange={setHeaders}
          />
        )}
        <fieldset className="field">
          <legend className="field-label">{t('Functions')}</legend>
          <div className="choices">
            {functions.map((each) => (
              <label key={each.name} className="choice">
                <input type="checkbox" checked={selected.has(each.name)} onChange={() => toggle(each.name)} />
                <span className="choice-text">
                  {each.name}
                  {each.needs_approval && <Badge>{t('Asks first')}</Badge>}
                  {each.description && <small>{each.description}</small>}
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        {save.error && <Notice kind="bad">{save.error.message}</Notice>}
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button
            variant="primary"
            type="submit"
            busy={save.isPending}
            disabled={!name.trim() || selected.size === 0}
          >
            {t('Save')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
