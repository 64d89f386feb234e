import { useQuery } from '@tanstack/react-query'
import { listTools, type ToolName } from '../../../contract/tools.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { builtInTools } from '../../tools/built-in-tools.ts'

/** The built-in tools that an avee may use while it answers. */
export function ToolChoices({
  selected,
  onChange,
}: {
  selected: ToolName[]
  onChange: (tools: ToolName[]) => void
}) {
  const api = useApi()
  const tools = useQuery({ queryKey: keys.tools, queryFn: () => api.call(listTools) })
  return (
    <fieldset className="field">
      <legend className="field-label">{t('Tools')}</legend>
      <p className="field-hint">{t('What it may do while it answers.')}</p>
      <div className="choices">
        {tools.data?.tools.map(({ name }) => (
          <label key={name} className="choice">
            <input
              type="checkbox"
              checked={selected.includes(name)}
              onChange={({ target }) =>
                onChange(target.checked ? [...selected, name] : selected.filter((other) => other !== name))
              }
            />
            <span className="choice-text">
              {t(builtInTools[name].title)}
              <small>{t(builtInTools[name].text)}</small>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}
