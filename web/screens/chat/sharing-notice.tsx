import { skipToken, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { getConsent, setConsent } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Notice } from '../../ui/state.tsx'
import './sharing-notice.css'

/** Loads the sharing settings of an avee for a visitor. Undefined for its owner. */
export function useSharing(avee: Avee) {
  const api = useApi()
  return useQuery({
    queryKey: keys.mySharing(avee.id),
    queryFn: avee.is_owner ? skipToken : () => api.call(getConsent, { params: { id: avee.id } }),
    staleTime: 60_000,
  }).data
}

/**
 * Informs a visitor once that the owner may see unanswered questions. The server records that the notice was shown and
 * shares no question before.
 */
export function SharingNotice({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const sharing = useSharing(avee)
  const isUnseen = sharing?.share_unanswered === true && sharing.my_choice === null
  const [isShown, setIsShown] = useState(false)
  const setSharing = useMutation({
    mutationFn: (share: boolean) => api.call(setConsent, { params: { id: avee.id }, body: { share } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.mySharing(avee.id) }),
  })
  const { mutate } = setSharing
  useEffect(() => {
    if (!isUnseen) return
    setIsShown(true)
    mutate(true)
  }, [isUnseen, mutate])
  if (!isShown) return null
  return (
    <div className="sharing-notice">
      <Notice
        actions={
          <div className="notice-actions">
            <Button small variant="quiet" onClick={() => setIsShown(false)}>
              {t('Allow')}
            </Button>
            <Button
              small
              onClick={() => {
                setSharing.mutate(false)
                setIsShown(false)
              }}
            >
              {t('Don’t share mine')}
            </Button>
          </div>
        }
      >
        {t('The owner of {name} can see questions it cannot answer, without your name.', {
          name: avee.display_name,
        })}
      </Notice>
    </div>
  )
}
