import { t } from '../../languages/index.ts'
import { TextField } from '../../ui/field.tsx'
import type { Proof } from './use-proof.ts'

/** The field for the password, or for a code of an account without one; nothing for an account that has neither. */
export function ProofField({
  proof,
  value,
  onChange,
  ...field
}: {
  proof: Proof
  value: string
  onChange: (value: string) => void
  autoFocus?: boolean
  error?: string | undefined
}) {
  if (proof === 'none') return null
  return (
    <TextField
      {...(proof === 'password'
        ? { label: t('Current password'), type: 'password', autoComplete: 'current-password' }
        : {
            label: t('Code'),
            hint: t('A recovery code, or the code of your app.'),
            autoComplete: 'one-time-code',
          })}
      {...field}
      required
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  )
}

/** Returns the entered proof as a member of a request. */
export const confirmationOf = (proof: Proof, text: string): { current_password?: string; code?: string } =>
  proof === 'password' ? { current_password: text } : proof === 'code' ? { code: text } : {}
