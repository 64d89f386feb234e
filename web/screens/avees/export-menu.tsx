import { Download } from 'lucide-react'
import type { Avee } from '../../../contract/avees.ts'
import { exportAvee } from '../../../contract/cards.ts'
import { useApi } from '../../api/react.tsx'
import { message, t } from '../../languages/index.ts'
import { Button } from '../../ui/button.tsx'
import { Menu, MenuItem } from '../../ui/menu.tsx'

const formats = [
  { format: 'png', title: message('Character card as a picture') },
  { format: 'json', title: message('Character card as JSON') },
  { format: 'charx', title: message('Character card as CHARX') },
  { format: 'avee', title: message('Everything, as an .avee file') },
] as const

/** Downloads an avee as a character card or an .avee file. */
export function ExportMenu({ avee }: { avee: Avee }) {
  const api = useApi()
  return (
    <Menu trigger={<Button icon={Download}>{t('Export')}</Button>}>
      {formats.map(({ format, title }) => (
        <MenuItem key={format} href={api.url(exportAvee, { params: { id: avee.id }, query: { format } })}>
          {t(title)}
        </MenuItem>
      ))}
    </Menu>
  )
}
