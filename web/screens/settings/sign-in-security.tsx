import { browserSupportsWebAuthn } from '@simplewebauthn/browser'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { getAuthState } from '../../../contract/accounts.ts'
import { linkOidc, unlinkOidc } from '../../../contract/oidc.ts'
import {
  createRecoveryCodes,
  deletePasskey,
  disableTotp,
  getFactors,
  type Passkey,
} from '../../../contract/second-factors.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { formatTime, joinFacts } from '../../ui/format.ts'
import { Loaded } from '../../ui/state.tsx'
import { ConfirmForm } from './confirm-form.tsx'
import { PasskeyDialog } from './passkey-dialog.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'
import { TotpDialog } from './totp-dialog.tsx'
import { useProof } from './use-proof.ts'

type Step =
  | 'set-up-app'
  | 'add-passkey'
  | 'remove-app'
  | 'renew-codes'
  | 'link'
  | 'unlink'
  | { removed: Passkey }
  | { recoveryCodes: string[] }

/** Manages authenticator app, passkeys, recovery codes and the link to the OIDC provider. */
export function SignInSecurity() {
  const api = useApi()
  const queries = useQueryClient()
  const [step, setStep] = useState<Step>()
  const factors = useQuery({ queryKey: keys.factors, queryFn: () => api.call(getFactors) })
  const state = useQuery({ queryKey: keys.authState, queryFn: () => api.call(getAuthState) })
  const provider = state.data?.oidc
  const proof = useProof()
  const close = () => setStep(undefined)
  const finish = async (codes: string[] | null) => {
    setStep(codes ? { recoveryCodes: codes } : undefined)
    await queries.invalidateQueries({ queryKey: keys.factors })
  }
  return (
    <Section
      title={t('Sign-in security')}
      text={t('A second factor protects your account if somebody learns your password.')}
    >
      <Loaded query={factors} height="3.75rem">
        {(data) => (
          <ul className="rows">
            <li className="row">
              <div className="row-body">
                <span className="row-title">{t('Authenticator app')}</span>
                <span className="row-facts">
                  {data.totp ? t('Signing in requires a code.') : t('Not set up')}
                </span>
              </div>
              <div className="row-actions">
                {data.totp ? (
                  <Button small onClick={() => setStep('remove-app')}>
                    {t('Remove')}
                  </Button>
                ) : (
                  <Button small onClick={() => setStep('set-up-app')}>
                    {t('Set up')}
                  </Button>
                )}
              </div>
            </li>
            {data.passkeys.map((passkey) => (
              <li className="row" key={passkey.id}>
                <div className="row-body">
                  <span className="row-title">
                    <span className="truncate">{passkey.name}</span>
                  </span>
                  <span className="row-facts">
                    {joinFacts([
                      t('Passkey'),
                      t('Created {time}', { time: formatTime(passkey.created_at) }),
                      passkey.last_used_at
                        ? t('Last used {time}', { time: formatTime(passkey.last_used_at) })
                        : t('Never used'),
                    ])}
                  </span>
                </div>
                <div className="row-actions">
                  <Button small onClick={() => setStep({ removed: passkey })}>
                    {t('Remove')}
                  </Button>
                </div>
              </li>
            ))}
            {browserSupportsWebAuthn() && (
              <li className="row">
                <div className="row-body">
                  <span className="row-title">{t('Passkeys')}</span>
                  <span className="row-facts">{t('Fingerprint, face, PIN or security key')}</span>
                </div>
                <div className="row-actions">
                  <Button small onClick={() => setStep('add-passkey')}>
                    {t('Add passkey')}
                  </Button>
                </div>
              </li>
            )}
            {(data.totp || data.passkeys.length > 0) && (
              <li className="row">
                <div className="row-body">
                  <span className="row-title">{t('Recovery codes')}</span>
                  <span className="row-facts">{t('{count} unused', { count: data.recovery_codes })}</span>
                </div>
                <div className="row-actions">
                  <Button small onClick={() => setStep('renew-codes')}>
                    {t('Create new codes')}
                  </Button>
                </div>
              </li>
            )}
            {provider && (
              <li className="row">
                <div className="row-body">
                  <span className="row-title">{provider}</span>
                  <span className="row-facts">
                    {data.identity ? t('You can sign in there.') : t('Not linked')}
                  </span>
                </div>
                <div className="row-actions">
                  <Button small onClick={() => setStep(data.identity ? 'unlink' : 'link')}>
                    {data.identity ? t('Unlink') : t('Link')}
                  </Button>
                </div>
              </li>
            )}
          </ul>
        )}
      </Loaded>
      {step === 'set-up-app' && (
        <TotpDialog proof={proof} onDone={(codes) => void finish(codes)} onClose={close} />
      )}
      {step === 'add-passkey' && (
        <PasskeyDialog proof={proof} onDone={(codes) => void finish(codes)} onClose={close} />
      )}
      {typeof step === 'object' && 'removed' in step && (
        <Dialog open onOpenChange={close} title={t('Remove “{name}”?', { name: step.removed.name })}>
          <ConfirmForm
            proof={proof}
            action={t('Remove')}
            isDangerous
            onConfirm={async (body) => {
              await api.call(deletePasskey, { params: { id: step.removed.id }, body })
              await finish(null)
            }}
            onCancel={close}
          >
            {t('You can no longer sign in with this passkey.')}
          </ConfirmForm>
        </Dialog>
      )}
      {step === 'remove-app' && (
        <Dialog open onOpenChange={close} title={t('Remove the authenticator app?')}>
          <ConfirmForm
            proof={proof}
            action={t('Remove')}
            isDangerous
            onConfirm={async (body) => {
              await api.call(disableTotp, { body })
              await finish(null)
            }}
            onCancel={close}
          >
            {t('Signing in no longer requires its codes.')}
          </ConfirmForm>
        </Dialog>
      )}
      {step === 'renew-codes' && (
        <Dialog open onOpenChange={close} title={t('Create new recovery codes')}>
          <ConfirmForm
            proof={proof}
            action={t('Create codes')}
            onConfirm={async (body) => finish((await api.call(createRecoveryCodes, { body })).recovery_codes)}
            onCancel={close}
          >
            {t('The earlier codes stop working.')}
          </ConfirmForm>
        </Dialog>
      )}
      {step === 'link' && (
        <Dialog open onOpenChange={close} title={t('Link {provider}', { provider })}>
          <ConfirmForm
            proof={proof}
            action={t('Continue')}
            onConfirm={async (body) => location.assign((await api.call(linkOidc, { body })).url)}
            onCancel={close}
          >
            {t('You can then sign in there to this account.')}
          </ConfirmForm>
        </Dialog>
      )}
      {step === 'unlink' && (
        <Dialog open onOpenChange={close} title={t('Unlink {provider}?', { provider })}>
          <ConfirmForm
            proof={proof}
            action={t('Unlink')}
            isDangerous
            onConfirm={async (body) => {
              await api.call(unlinkOidc, { body })
              await finish(null)
            }}
            onCancel={close}
          >
            {t('You can then sign in with your password only.')}
          </ConfirmForm>
        </Dialog>
      )}
      {typeof step === 'object' && 'recoveryCodes' in step && (
        <Dialog open onOpenChange={close} title={t('Recovery codes')}>
          <RecoveryCodes codes={step.recoveryCodes} onClose={close} />
        </Dialog>
      )}
    </Section>
  )
}
