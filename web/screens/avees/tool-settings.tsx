import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type Avee, updateAvee } from '../../../contract/avees.ts'
import { listTools } from '../../../contract/tools.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { builtInTools } from '../../tools/built-in-tools.ts'
import { errorMessage, Loaded } from '../../ui/state.tsx'
import { useToast } from '../../ui/toast.tsx'
import { CustomTools } from './custom-tools.tsx'

/** The tools that an avee may use while it answers. */
export function ToolSettings({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const showToast = useToast()
  const tools = useQuery({ queryKey: keys.tools, queryFn: () => api.call(listTools) })
  const select = useMutation({
    mutationFn: (selected: Avee['tools']) =>
      api.call(updateAvee, { params: { id: avee.id }, body: { tools: selected } }),
    onError: (error) => showToast(errorMessage(error), 'bad'),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.avees }),
    // Each request contains the whole selection, so requests must arrive in order.
    scope: { id: `tools of ${avee.id}` },
  })
  const selected = select.isPending ? select.variables : avee.tools
  return (
    <div className="stack">
      <Section
        title={t('Built-in tools')}
        text={t('What the avee may do while it answers. Its language model decides when.')}
      >
        <Loaded query={tools} height="20rem">
          {({ tools }) => (
            <div className="choices">
              {tools.map(({ name }) => (
                <label key={name} className="choice">
                  <input
                    type="checkbox"
                    checked={selected.includes(name)}
                    onChange={({ target }) =>
                      select.mutate(
                        target.checked ? [...selected, name] : selected.filter((other) => other !== name),
                      )
                    }
                  />
                  <span className="choice-text">
                    {t(builtInTools[name].title)}
                    <small>{t(builtInTools[name].text)}</small>
                  </span>
                </label>
              ))}
            </div>
          )}
        </Loaded>
      </Section>
      <CustomTools avee={avee} />
    </div>
  )
}
