import { useQuery } from '@tanstack/react-query'
import { getMe } from '../../../contract/accounts.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Page, Section } from '../../shell/page.tsx'
import { useSignOut } from '../../shell/sign-out.ts'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { RadioGroup } from '../../ui/field.tsx'
import { ErrorState, Skeleton } from '../../ui/state.tsx'
import { type Theme, useTheme } from '../../ui/theme.ts'
import { ApiKeys } from './api-keys.tsx'
import { DeleteAccount } from './delete-account.tsx'
import { PasswordForm } from './password-form.tsx'
import { ProfileForm } from './profile-form.tsx'
import './settings.css'

const themes: { value: Theme; title: string }[] = [
  { value: 'system', title: 'As the system' },
  { value: 'light', title: 'Light' },
  { value: 'dark', title: 'Dark' },
]

/** One's account, how the page looks, and the keys for other software. */
export function SettingsScreen() {
  const api = useApi()
  const me = useQuery({ queryKey: keys.me, queryFn: () => api.call(getMe) })
  const [theme, setTheme] = useTheme()
  const signOut = useSignOut()
  return (
    <Page title="Settings">
      <Section title="Look">
        <div className="themes">
          <RadioGroup label="Theme" name="theme" value={theme} options={themes} onChange={setTheme} />
        </div>
      </Section>
      {me.isPending ? (
        <Skeleton height="14rem" />
      ) : !me.data ? (
        <ErrorState error={me.error} onRetry={() => void me.refetch()} />
      ) : (
        <>
          <Section title="You">
            <ProfileForm key={me.data.id} me={me.data} />
          </Section>
          {me.data.mode === 'personal' ? (
            <Section
              title="Accounts"
              text="Nobody signs in: whoever sits at this machine is you. With the first account everyone has to sign in, and other people can have accounts of their own. What you made so far goes to that first account."
              actions={<ButtonLink href="/login">Create the first account</ButtonLink>}
            />
          ) : (
            <>
              <Section title="Password">
                <PasswordForm />
              </Section>
              <Section
                title="This browser"
                text="Signing out ends the session of this browser only."
                actions={<Button onClick={signOut}>Sign out</Button>}
              />
            </>
          )}
          <ApiKeys />
          {me.data.mode === 'accounts' && <DeleteAccount />}
        </>
      )}
    </Page>
  )
}
