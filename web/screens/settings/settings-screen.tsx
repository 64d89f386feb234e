import { useQuery } from '@tanstack/react-query'
import { getMe } from '../../../contract/accounts.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { Page, Section } from '../../shell/page.tsx'
import { useSignOut } from '../../shell/sign-out.ts'
import { useAppearance } from '../../ui/appearance.ts'
import { ButtonLink } from '../../ui/button.tsx'
import { RadioGroup } from '../../ui/field.tsx'
import { Loaded } from '../../ui/state.tsx'
import { ApiKeys } from './api-keys.tsx'
import { DeleteAccount } from './delete-account.tsx'
import { ExportData } from './export-data.tsx'
import { ImportConversations } from './import-conversations.tsx'
import { LanguageField } from './language-field.tsx'
import { NotificationSwitch } from './notification-switch.tsx'
import { PasswordForm } from './password-form.tsx'
import { ProfileForm } from './profile-form.tsx'
import { Sessions } from './sessions.tsx'
import { SignInSecurity } from './sign-in-security.tsx'
import './settings-screen.css'

const themes: { value: 'system' | 'light' | 'dark'; title: Message }[] = [
  { value: 'system', title: message('System default') },
  { value: 'light', title: message('Light') },
  { value: 'dark', title: message('Dark') },
]

/** Appearance, profile, account and API keys. */
export function SettingsScreen() {
  const api = useApi()
  const me = useQuery({ queryKey: keys.me, queryFn: () => api.call(getMe) })
  const [theme = 'system', setTheme] = useAppearance('theme')
  const [contrast, setContrast] = useAppearance('contrast')
  const [density, setDensity] = useAppearance('density')
  const signOut = useSignOut()
  return (
    <Page title={t('Settings')}>
      <Section title={t('Appearance')}>
        <div className="themes">
          <LanguageField />
          <RadioGroup
            label={t('Theme')}
            name="theme"
            value={theme}
            options={themes.map(({ value, title }) => ({ value, title: t(title) }))}
            onChange={(next) => setTheme(next === 'system' ? undefined : next)}
          />
          <label className="check">
            <input
              type="checkbox"
              checked={contrast === 'high'}
              onChange={(event) => setContrast(event.target.checked ? 'high' : undefined)}
            />
            {t('High contrast')}
          </label>
          <label className="check">
            <input
              type="checkbox"
              checked={density === 'compact'}
              onChange={(event) => setDensity(event.target.checked ? 'compact' : undefined)}
            />
            {t('Compact layout')}
          </label>
        </div>
      </Section>
      <NotificationSwitch />
      <Loaded query={me} height="14rem">
        {(data) => (
          <>
            <Section title={t('Profile')}>
              <ProfileForm key={data.id} me={data} />
            </Section>
            {data.mode === 'personal' ? (
              <Section
                title={t('Accounts')}
                text={t(
                  'Gabee is in personal mode: no one has to sign in on this machine. Creating the first account turns sign-in on for everyone; others can then be invited. The first account becomes the owner of everything created so far.',
                )}
                actions={<ButtonLink href="/login">{t('Create first account')}</ButtonLink>}
              />
            ) : (
              <>
                <Section title={t('Password')}>
                  <PasswordForm />
                </Section>
                <SignInSecurity />
                <Sessions onSignOut={signOut} />
              </>
            )}
            <ApiKeys />
            <ImportConversations />
            <ExportData />
            {data.mode === 'accounts' && <DeleteAccount />}
          </>
        )}
      </Loaded>
    </Page>
  )
}
