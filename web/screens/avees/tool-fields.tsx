import type { ToolKind } from '../../../contract/tools.ts'
import { t } from '../../languages/index.ts'
import { TextArea, TextField } from '../../ui/field.tsx'
import { linesOf } from '../../ui/lines.ts'

type FieldProps = { value: string; onChange: (value: string) => void }

/** The name of a tool that an owner adds. */
export function ToolNameField({ value, onChange }: FieldProps) {
  return (
    <TextField
      label={t('Name')}
      hint={t('Letters and digits. The language model sees this name.')}
      value={value}
      required
      maxLength={40}
      spellCheck={false}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}

/** The address of an OpenAPI description or of an MCP server. */
export function ToolAddressField({ kind, value, onChange }: FieldProps & { kind: ToolKind }) {
  const isDescription = kind === 'openapi'
  return (
    <TextField
      label={isDescription ? t('Address of the description') : t('Address')}
      type="url"
      dir="ltr"
      required
      value={value}
      placeholder={isDescription ? 'https://api.example.com/openapi.json' : 'https://mcp.example.com/mcp'}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}

/** Headers of the requests to a tool, as text that `headersOf` parses. */
export function ToolHeadersField({ hint, value, onChange }: FieldProps & { hint?: string | undefined }) {
  return (
    <TextArea
      label={t('Headers')}
      hint={
        hint ??
        t('One per line, such as “Authorization: Bearer abc”. Stored encrypted and never shown again.')
      }
      rows={2}
      dir="ltr"
      autoComplete="off"
      spellCheck={false}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}

/** Parses lines of the form `Name: value`. */
export const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    linesOf(text).map((line) => {
      const [name = '', ...value] = line.split(':')
      return [name.trim(), value.join(':').trim()]
    }),
  )
