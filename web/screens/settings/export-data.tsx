import { Download } from 'lucide-react'
import { exportData } from '../../../contract/data-export.ts'
import { useApi } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'
import { Section } from '../../shell/page.tsx'

/** Downloads all data of the user. */
export function ExportData() {
  const api = useApi()
  return (
    <Section
      title={t('Export')}
      text={t(
        'Your conversations, memories, avees and the original files of your documents, as a ZIP archive.',
      )}
      actions={
        <a className="button button-secondary" href={api.url(exportData)} download>
          <Download size={16} aria-hidden />
          {t('Export my data')}
        </a>
      }
    />
  )
}
