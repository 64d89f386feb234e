import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Check, Copy } from 'lucide-react'
import { useState } from 'react'
import { createShare, deleteShare, listShares, type Share } from '../../../contract/shares.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Row } from '../../shell/row.tsx'
import { Button } from '../../ui/button.tsx'
import { useCopy } from '../../ui/copy.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { SelectField } from '../../ui/field.tsx'
import { formatTime } from '../../ui/format.ts'
import '../../ui/new-secret.css'

const daySeconds = 24 * 60 * 60

/** Creates and revokes links to a conversation. */
export function ShareDialog({ conversationId, onClose }: { conversationId: string; onClose: () => void }) {
  const api = useApi()
  const queries = useQueryClient()
  const [days, setDays] = useState('30')
  const [isCopied, copy] = useCopy()
  const params = { id: conversationId }
  const list = useQuery({
    queryKey: keys.shares(conversationId),
    queryFn: () => api.call(listShares, { params }),
  })
  const refresh = () => queries.invalidateQueries({ queryKey: keys.shares(conversationId) })
  const create = useMutation({
    mutationFn: () =>
      api.call(createShare, { params, body: days ? { expires_in: Number(days) * daySeconds } : {} }),
    onSuccess: refresh,
  })
  const revoke = useMutation({
    mutationFn: (id: string) => api.call(deleteShare, { params: { id } }),
    onSuccess: refresh,
  })
  const shares = list.data?.shares ?? []
  const error = create.error ?? revoke.error ?? list.error
  return (
    <Dialog open onOpenChange={onClose} title={t('Share conversation')}>
      <div className="dialog-form">
        <p>
          {t(
            'Anyone with the link can read this conversation up to here, without an account. Sources are shown only as far as everybody may see them.',
          )}
        </p>
        <SelectField label={t('Link expires')} value={days} onChange={(event) => setDays(event.target.value)}>
          <option value="1">{t('After one day')}</option>
          <option value="7">{t('After 7 days')}</option>
          <option value="30">{t('After 30 days')}</option>
          <option value="">{t('Never')}</option>
        </SelectField>
        {error && (
          <p className="field-error" role="alert">
            {error.message}
          </p>
        )}
        {create.data ? (
          <div className="new-secret">
            <code>{create.data.url}</code>
            <Button small icon={isCopied ? Check : Copy} onClick={() => copy(create.data.url)}>
              {isCopied ? t('Copied') : t('Copy')}
            </Button>
          </div>
        ) : (
          <div>
            <Button variant="primary" busy={create.isPending} onClick={() => create.mutate()}>
              {t('Create link')}
            </Button>
          </div>
        )}
        {shares.length > 0 && (
          <ul className="rows" aria-label={t('Links')}>
            {shares.map((share) => (
              <Row
                key={share.id}
                title={t('Link of {time}', { time: formatTime(share.created_at) })}
                facts={expiryOf(share)}
              >
                <Button
                  small
                  busy={revoke.isPending && revoke.variables === share.id}
                  onClick={() => {
                    if (create.data?.id === share.id) create.reset()
                    revoke.mutate(share.id)
                  }}
                >
                  {t('Revoke')}
                </Button>
              </Row>
            ))}
          </ul>
        )}
      </div>
    </Dialog>
  )
}

const expiryOf = ({ expires_at }: Share): string =>
  expires_at === null ? t('Does not expire') : t('Expires {time}', { time: formatTime(expires_at) })
