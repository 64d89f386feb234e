import { useMutation } from '@tanstack/react-query'
import { beginOidc } from '../../../contract/oidc.ts'
import { useApi } from '../../api/react.tsx'
import { type Message, message, t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Notice } from '../../ui/state.tsx'
import { redirectTarget } from './redirect-target.ts'

/** Opens the page of the OIDC provider. */
export function OidcButton({ name, invitation }: { name: string; invitation: string }) {
  const api = useApi()
  const begin = useMutation({
    mutationFn: () =>
      api.call(beginOidc, {
        body: { next: redirectTarget(location.search), ...(invitation ? { invitation } : {}) },
      }),
    onSuccess: ({ url }) => location.assign(url),
  })
  return (
    <>
      {begin.error && <Notice kind="bad">{begin.error.message}</Notice>}
      <Button busy={begin.isPending || begin.isSuccess} onClick={() => begin.mutate()}>
        {t('Sign in with {name}', { name })}
      </Button>
      <p className="small soft">{t('or with your password')}</p>
    </>
  )
}

const messages: Record<string, Message> = {
  account_disabled: message('An administrator has disabled this account.'),
  email_taken: message(
    'An account with your e-mail address already exists. Sign in with its password, then link it under Settings.',
  ),
  first_account_needs_password: message(
    'Create the first account with a password. Link it under Settings afterwards.',
  ),
  identity_taken: message('This person is linked to another account.'),
  invitation_for_another_address: message('The invitation is for another e-mail address.'),
  invitation_invalid: message(
    'The invitation is unknown, used or expired. Ask an administrator for a new one.',
  ),
  invitation_required: message('You have no account yet. Ask an administrator for an invitation.'),
  oidc_unavailable: message('The sign-in provider cannot be reached. Try again later.'),
  registration_closed: message('You have no account yet, and registration is closed.'),
  too_many_attempts: message('Too many attempts. Try again later.'),
}

/**
 * Returns the message for an error code. The link contains only a code, so that a link cannot inject text into this
 * page.
 */
export const oidcErrorMessage = (code: string): string =>
  t((Object.hasOwn(messages, code) && messages[code]) || message('Sign-in failed. Try again.'))
