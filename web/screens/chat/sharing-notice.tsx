import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Avee } from '../../../contract/avees.ts'
import { getConsent, setConsent } from '../../../contract/insight.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { Button } from '../../ui/button.tsx'
import { Notice } from '../../ui/state.tsx'

/** What the owner of an avee has switched on for whoever talks with it; nothing of it concerns the owner. */
export function useSharing(avee: Avee) {
  const api = useApi()
  return useQuery({
    queryKey: keys.mySharing(avee.id),
    queryFn: () => api.call(getConsent, { params: { id: avee.id } }),
    staleTime: 60_000,
    enabled: !avee.is_owner,
  }).data
}

/**
 * Tells a visitor, once, that questions without an answer may be shown to the owner. That it was shown is what the
 * server notes; until then nothing is.
 */
export function SharingNotice({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const sharing = useSharing(avee)
  const isNew = sharing?.share_unanswered === true && sharing.my_choice === null
  const [isShown, setIsShown] = useState(false)
  const choose = useMutation({
    mutationFn: (share: boolean) => api.call(setConsent, { params: { id: avee.id }, body: { share } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: keys.mySharing(avee.id) }),
  })
  const { mutate } = choose
  useEffect(() => {
    if (!isNew) return
    setIsShown(true)
    mutate(true)
  }, [isNew, mutate])
  if (!isShown) return null
  return (
    <div className="sharing-notice">
      <Notice
        actions={
          <div className="notice-actions">
            <Button small variant="quiet" onClick={() => setIsShown(false)}>
              All right
            </Button>
            <Button
              small
              onClick={() => {
                choose.mutate(false)
                setIsShown(false)
              }}
            >
              Do not show mine
            </Button>
          </div>
        }
      >
        Questions that {avee.display_name} cannot answer may be shown to its owner, without your name.
      </Notice>
    </div>
  )
}
