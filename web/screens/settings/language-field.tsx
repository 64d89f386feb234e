import { useMutation } from '@tanstack/react-query'
import {
  browserLanguage,
  chooseLanguage,
  chosenLanguage,
  isLanguage,
  type Language,
  languageNames,
  t,
} from '../../languages/index.ts'
import { SelectField } from '../../ui/field.tsx'
import { errorMessage } from '../../ui/state.tsx'

/** Selects the language of the page in this browser. */
export function LanguageField() {
  const choose = useMutation({ mutationFn: (next: Language | undefined) => chooseLanguage(next) })
  return (
    <SelectField
      label={t('Language')}
      value={(choose.isPending ? choose.variables : chosenLanguage()) ?? ''}
      error={choose.error ? errorMessage(choose.error) : undefined}
      onChange={({ target }) => choose.mutate(isLanguage(target.value) ? target.value : undefined)}
    >
      <option value="">{`${t('System default')} (${languageNames[browserLanguage()]})`}</option>
      {Object.entries(languageNames).map(([code, name]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </SelectField>
  )
}
