import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { addTool, type CustomTool, type ToolKind, toolKinds } from '../../../contract/tools.ts'
import { keys } from '../../api/index.ts'
import { useApi, useIsAdmin } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { toolKindLabels } from '../../tools/tool-kinds.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog, DialogActions } from '../../ui/dialog.tsx'
import { SelectField, TextArea } from '../../ui/field.tsx'
import { linesOf } from '../../ui/lines.ts'
import { Notice } from '../../ui/state.tsx'
import { headersOf, ToolAddressField, ToolHeadersField, ToolNameField } from './tool-fields.tsx'

const kindHints: Record<ToolKind, Message> = {
  openapi: message('A service with an OpenAPI description in JSON or YAML.'),
  mcp: message('A Model Context Protocol server.'),
  mcp_stdio: message(
    'A program with a Model Context Protocol server. It runs with the rights of this server.',
  ),
}

/** Adds a tool to an avee. `onAdded` receives it with its functions. */
export function CustomToolDialog({
  avee,
  onClose,
  onAdded,
}: {
  avee: Avee
  onClose: () => void
  onAdded: (tool: CustomTool) => void
}) {
  const api = useApi()
  const queries = useQueryClient()
  const isAdmin = useIsAdmin()
  const [kind, setKind] = useState<ToolKind>('openapi')
  const [name, setName] = useState('')
  const [url, setUrl] = useState('')
  const [headers, setHeaders] = useState('')
  const [command, setCommand] = useState('')
  const add = useMutation({
    mutationFn: () => {
      const [program = '', ...args] = linesOf(command)
      return api.call(addTool, {
        params: { id: avee.id },
        body:
          kind === 'mcp_stdio'
            ? { kind, name: name.trim(), command: program, args }
            : { kind, name: name.trim(), url: url.trim(), headers: headersOf(headers) },
      })
    },
    onSuccess: async (tool) => {
      onClose()
      onAdded(tool)
      await queries.invalidateQueries({ queryKey: keys.customTools(avee.id) })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    add.mutate()
  }
  return (
    <Dialog open onOpenChange={onClose} title={t('Add tool')}>
      <form onSubmit={submit} className="dialog-form">
        <SelectField
          label={t('Kind')}
          hint={t(kindHints[kind])}
          value={kind}
          onChange={(event) => setKind(event.target.value as ToolKind)}
        >
          {toolKinds
            .filter((each) => each !== 'mcp_stdio' || isAdmin)
            .map((each) => (
              <option key={each} value={each}>
                {t(toolKindLabels[each])}
              </option>
            ))}
        </SelectField>
        <ToolNameField value={name} onChange={setName} />
        {kind === 'mcp_stdio' ? (
          <TextArea
            label={t('Program')}
            hint={t('The program in the first line, then one argument per line.')}
            rows={3}
            dir="ltr"
            required
            spellCheck={false}
            value={command}
            onChange={(event) => setCommand(event.target.value)}
          />
        ) : (
          <>
            <ToolAddressField kind={kind} value={url} onChange={setUrl} />
            <ToolHeadersField value={headers} onChange={setHeaders} />
          </>
        )}
        {add.error && <Notice kind="bad">{add.error.message}</Notice>}
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button variant="primary" type="submit" busy={add.isPending} disabled={!name.trim()}>
            {t('Add')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  )
}
