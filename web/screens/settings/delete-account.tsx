import { useState } from 'react'
import { deleteMe } from '../../../contract/accounts.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { leave } from '../../shell/sign-out.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { ConfirmForm } from './confirm-form.tsx'
import { useProof } from './use-proof.ts'

/** Deletes the user's account after asking for the password or a code. */
export function DeleteAccount() {
  const api = useApi()
  const proof = useProof()
  const [isConfirming, setIsConfirming] = useState(false)
  return (
    <Section
      title={t('Delete account')}
      text={t('Permanently deletes your account with all documents, avees, conversations and API keys.')}
      actions={<Button onClick={() => setIsConfirming(true)}>{t('Delete account')}</Button>}
    >
      <Dialog open={isConfirming} onOpenChange={setIsConfirming} title={t('Delete your account?')}>
        <ConfirmForm
          action={t('Delete account')}
          isDangerous
          proof={proof}
          onConfirm={async ({ current_password: password, ...others }) => {
            await api.call(deleteMe, { body: { ...(password ? { password } : {}), ...others } })
            await leave()
          }}
          onCancel={() => setIsConfirming(false)}
        >
          {t('All your data on this server will be permanently deleted.')}
        </ConfirmForm>
      </Dialog>
    </Section>
  )
}
