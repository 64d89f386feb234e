import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { type Avee, deleteAvee } from '../../../contract/avees.ts'
import { keys } from '../../api/index.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { ConfirmDialog } from '../../ui/dialog.tsx'

export function DeleteAvee({ avee }: { avee: Avee }) {
  const api = useApi()
  const queries = useQueryClient()
  const [, navigate] = useLocation()
  const [isConfirming, setIsConfirming] = useState(false)
  return (
    <Section
      title={t('Delete avee')}
      text={t('Also deletes its documents and everyone’s conversations with it.')}
      actions={<Button onClick={() => setIsConfirming(true)}>{t('Delete avee')}</Button>}
    >
      <ConfirmDialog
        open={isConfirming}
        onOpenChange={setIsConfirming}
        title={t('Delete {name}?', { name: avee.display_name })}
        action={t('Delete')}
        onConfirm={async () => {
          await api.call(deleteAvee, { params: { id: avee.id } })
          navigate('/avee')
          await Promise.all([
            queries.invalidateQueries({ queryKey: keys.avees }),
            queries.invalidateQueries({ queryKey: keys.conversations }),
          ])
        }}
      >
        {t('Its documents and all conversations with it will be permanently deleted.')}
      </ConfirmDialog>
    </Section>
  )
}
