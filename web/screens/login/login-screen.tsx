import { skipToken, useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import {
  getAuthState,
  logIn,
  minPasswordCharacters,
  register,
  type SignInChallenge,
} from '../../../contract/accounts.ts'
import { getProfile } from '../../../contract/avees.ts'
import { ApiError, keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { message, rich, t } from '../../languages/index.ts'
import { useTitle } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { TextField } from '../../ui/field.tsx'
import { Avatar, ErrorState, Notice, Skeleton } from '../../ui/state.tsx'
import { OidcButton, oidcErrorMessage } from './oidc-button.tsx'
import { redirectTarget, requestedAvee } from './redirect-target.ts'
import { ForgotPasswordForm, ResetForm } from './reset-forms.tsx'
import { SecondFactorForm } from './second-factor-form.tsx'
import './login-screen.css'

/** Signs in or creates an account, then returns to the page the user came from. */
export function LoginScreen() {
  const api = useApi()
  const state = useQuery({ queryKey: keys.authState, queryFn: () => api.call(getAuthState) })
  const [choice, setChoice] = useState<'sign-in' | 'register' | 'forgot-password'>()
  const [link] = useState(() => parseLink(location.hash))
  const isFirst = state.data !== undefined && !state.data.has_accounts
  const mode = choice ?? (isFirst || link.invitation ? 'register' : 'sign-in')
  const [isReset, setIsReset] = useState(link.reset !== '')
  const [challenge, setChallenge] = useState<Challenge | undefined>(link.challenge)
  const avee = useRequestedAvee()
  const title = isReset
    ? t('Set a new password')
    : challenge
      ? t('Confirm that it’s you')
      : t(titles[mode].heading)
  useTitle(isReset ? t('New password') : t(titles[mode].window))

  return (
    <main className="whole-page">
      <div className="login">
        <div className="login-head">
          {avee ? (
            <Avatar name={avee.display_name} picture={avee.avatar} size={64} />
          ) : (
            <img src="/favicon.svg" alt="" width={44} height={44} />
          )}
          <h1>{title}</h1>
          {avee && !isReset && !challenge && (
            <p className="soft">
              {rich('to chat with <b>{name}</b>', {
                name: avee.display_name,
                b: (name) => <bdi>{name}</bdi>,
              })}
            </p>
          )}
        </div>
        {isReset ? (
          <ResetForm token={link.reset} onDone={() => setIsReset(false)} />
        ) : challenge ? (
          <SecondFactorForm
            challenge={challenge}
            onSignedIn={returnToPage}
            onCancel={() => setChallenge(undefined)}
          />
        ) : state.isPending ? (
          <Skeleton height="15rem" />
        ) : state.isError ? (
          <ErrorState error={state.error} onRetry={() => void state.refetch()} />
        ) : mode === 'forgot-password' ? (
          <ForgotPasswordForm onBack={() => setChoice('sign-in')} />
        ) : (
          <>
            {mode === 'register' && isFirst && (
              <Notice>
                {t(
                  'This is the first account. It becomes the administrator of this server and the owner of all existing documents, avees and conversations.',
                )}
              </Notice>
            )}
            {link.error && <Notice kind="bad">{oidcErrorMessage(link.error)}</Notice>}
            {mode === 'sign-in' || link.invitation
              ? state.data.oidc && <OidcButton name={state.data.oidc} invitation={link.invitation} />
              : null}
            <AccountForm
              key={mode}
              mode={mode}
              link={link}
              onChallenge={setChallenge}
              needsSetupToken={state.data.needs_setup_token}
              needsInvitation={state.data.has_accounts && state.data.registration === 'invite'}
            />
            {mode === 'sign-in' && state.data.mail && (
              <Button variant="quiet" onClick={() => setChoice('forgot-password')}>
                {t('Forgot password?')}
              </Button>
            )}
            {mode === 'register' ? (
              state.data.has_accounts && (
                <Button variant="quiet" onClick={() => setChoice('sign-in')}>
                  {t('Sign in instead')}
                </Button>
              )
            ) : state.data.registration !== 'closed' ? (
              <Button variant="quiet" onClick={() => setChoice('register')}>
                {t('Create account')}
              </Button>
            ) : (
              <p className="small soft">
                {t('Registration is closed. Ask an administrator for an account.')}
              </p>
            )}
          </>
        )}
      </div>
    </main>
  )
}

/** Returns the public avee that the user wants to see. Others are not shown to people without an account. */
function useRequestedAvee() {
  const api = useApi()
  const handle = requestedAvee(location.search)
  const profile = useQuery({
    queryKey: keys.profile(handle ?? ''),
    queryFn: handle ? () => api.call(getProfile, { params: { id: handle } }) : skipToken,
    retry: false,
  })
  return profile.data
}

/** A full page load clears the previous user's data from memory. */
const returnToPage = () => location.assign(redirectTarget(location.search))

const titles = {
  'sign-in': { window: message('Sign in'), heading: message('Sign in to Gabee') },
  register: { window: message('Create account'), heading: message('Create your account') },
  'forgot-password': { window: message('Forgot password'), heading: message('Forgot your password?') },
}

type Challenge = Pick<SignInChallenge, 'challenge' | 'factors'>

type Link = {
  invitation: string
  setupToken: string
  reset: string
  /** Set when a sign-in at the OIDC provider needs a second factor. */
  challenge: Challenge | undefined
  /** The code of the error with which a sign-in at the OIDC provider ended. */
  error: string
}

/** Reads the tokens in the fragment of a link to this page, because browsers do not send fragments to servers. */
function parseLink(fragment: string): Link {
  const values = new URLSearchParams(fragment.slice(1))
  const valueOf = (name: string) => values.get(name) ?? ''
  const challenge = valueOf('challenge')
  return {
    invitation: valueOf('invitation'),
    setupToken: valueOf('setup_token'),
    reset: valueOf('reset'),
    challenge: challenge
      ? { challenge, factors: valueOf('factors').split(',') as SignInChallenge['factors'] }
      : undefined,
    error: valueOf('error'),
  }
}

function AccountForm({
  mode,
  link,
  onChallenge,
  needsSetupToken,
  needsInvitation,
}: {
  mode: 'sign-in' | 'register'
  link: Link
  onChallenge: (challenge: Challenge) => void
  needsSetupToken: boolean
  needsInvitation: boolean
}) {
  const api = useApi()
  const [name, setName] = useState('')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [invitation, setInvitation] = useState(link.invitation)
  const [setupToken, setSetupToken] = useState(link.setupToken)
  const submission = useMutation({
    mutationFn: () =>
      mode === 'register'
        ? api.call(register, {
            body: {
              email,
              password,
              ...(name.trim() ? { display_name: name.trim() } : {}),
              ...(needsInvitation ? { invitation: invitation.trim() } : {}),
              ...(needsSetupToken ? { setup_token: setupToken.trim() } : {}),
            },
          })
        : api.call(logIn, { body: { email, password } }),
    onSuccess: (answer) => ('challenge' in answer ? onChallenge(answer) : returnToPage()),
  })
  const errors = fieldErrors(submission.error)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    submission.mutate()
  }
  return (
    <form className="login-form" onSubmit={submit}>
      {submission.error && !errors.email && !errors.password && (
        <Notice kind="bad">{submission.error.message}</Notice>
      )}
      {mode === 'register' && needsInvitation && !link.invitation && (
        <TextField
          label={t('Invitation')}
          hint={t('The code at the end of the invitation link. Ask an administrator for one.')}
          required
          value={invitation}
          onChange={(event) => setInvitation(event.target.value)}
        />
      )}
      {mode === 'register' && needsSetupToken && !link.setupToken && (
        <TextField
          label={t('Setup token')}
          hint={t('The server prints it when it starts.')}
          required
          value={setupToken}
          onChange={(event) => setSetupToken(event.target.value)}
        />
      )}
      {mode === 'register' && (
        <TextField
          label={t('Name')}
          autoComplete="name"
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      )}
      <TextField
        label={t('E-mail')}
        type="email"
        autoComplete="username"
        required
        autoFocus
        value={email}
        error={errors.email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <TextField
        label={t('Password')}
        type="password"
        autoComplete={mode === 'register' ? 'new-password' : 'current-password'}
        required
        minLength={mode === 'register' ? minPasswordCharacters : undefined}
        hint={
          mode === 'register'
            ? t('At least {count} characters.', { count: minPasswordCharacters })
            : undefined
        }
        value={password}
        error={errors.password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button variant="primary" type="submit" busy={submission.isPending || submission.isSuccess}>
        {mode === 'register' ? t('Create account') : t('Sign in')}
      </Button>
    </form>
  )
}

type FieldProblem = { path?: unknown; problem?: string; code?: string }

/** Extracts the validation messages of single fields from an error. */
function fieldErrors(error: unknown): { email?: string; password?: string } {
  if (!(error instanceof ApiError) || error.status !== 422 || !Array.isArray(error.details)) return {}
  const found: { email?: string; password?: string } = {}
  for (const { path, problem, code } of error.details as FieldProblem[]) {
    const field = String(path).split(/[./]/).at(-1)
    if (field === 'email' || field === 'password')
      found[field] = code === undefined ? (problem ?? error.message) : error.message
  }
  return found
}
