import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { createRecoveryCodes, disableTotp, getFactors } from '../../../contract/second-factors.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ErrorState, Skeleton } from '../../ui/state.tsx'
import { ConfirmForm } from './confirm-form.tsx'
import { RecoveryCodes } from './recovery-codes.tsx'
import { TotpDialog } from './totp-dialog.tsx'

type Step = 'set-up-app' | 'remove-app' | 'renew-codes' | { recoveryCodes: string[] }

/** Second factors of the user: an authenticator app and recovery codes. */
export function SignInSecurity() {
  const api = useApi()
  const queries = useQueryClient()
  const [step, setStep] = useState<Step>()
  const factors = useQuery({ queryKey: keys.factors, queryFn: () => api.call(getFactors) })
  const close = () => setStep(undefined)
  const finish = async (codes: string[] | null) => {
    setStep(codes ? { recoveryCodes: codes } : undefined)
    await queries.invalidateQueries({ queryKey: keys.factors })
  }
  return (
    <Section
      title="Sign-in security"
      text="A second factor protects your account if somebody learns your password."
    >
      {factors.isPending ? (
        <Skeleton height="3.75rem" />
      ) : !factors.data ? (
        <ErrorState error={factors.error} onRetry={() => void factors.refetch()} />
      ) : (
        <ul className="rows">
          <li className="row">
            <div className="row-body">
              <span className="row-title">Authenticator app</span>
              <span className="row-facts">
                {factors.data.totp ? 'Signing in asks for a code.' : 'Not set up'}
              </span>
            </div>
            <div className="row-actions">
              {factors.data.totp ? (
                <Button small onClick={() => setStep('remove-app')}>
                  Remove
                </Button>
              ) : (
                <Button small onClick={() => setStep('set-up-app')}>
                  Set up
                </Button>
              )}
            </div>
          </li>
          {factors.data.totp && (
            <li className="row">
              <div className="row-body">
                <span className="row-title">Recovery codes</span>
                <span className="row-facts">{factors.data.recovery_codes} unused</span>
              </div>
              <div className="row-actions">
                <Button small onClick={() => setStep('renew-codes')}>
                  Create new codes
                </Button>
              </div>
            </li>
          )}
        </ul>
      )}
      {step === 'set-up-app' && <TotpDialog onDone={(codes) => void finish(codes)} onClose={close} />}
      {step === 'remove-app' && (
        <Dialog open onOpenChange={close} title="Remove the authenticator app?">
          <ConfirmForm
            action="Remove"
            isDangerous
            onConfirm={async (body) => {
              await api.call(disableTotp, { body })
              await finish(null)
            }}
            onCancel={close}
          >
            Signing in no longer asks for its codes.
          </ConfirmForm>
        </Dialog>
      )}
      {step === 'renew-codes' && (
        <Dialog open onOpenChange={close} title="Create new recovery codes">
          <ConfirmForm
            action="Create codes"
            onConfirm={async (body) => finish((await api.call(createRecoveryCodes, { body })).recovery_codes)}
            onCancel={close}
          >
            The earlier codes stop working.
          </ConfirmForm>
        </Dialog>
      )}
      {typeof step === 'object' && (
        <Dialog open onOpenChange={close} title="Recovery codes">
          <RecoveryCodes codes={step.recoveryCodes} onClose={close} />
        </Dialog>
      )}
    </Section>
  )
}
