import { t } from '../languages/index.ts'
import { Skeleton } from '../ui/state.tsx'
import './document-text.css'

/** A placeholder for a page's text. */
export function TextSkeleton() {
  return (
    <div className="document-text" role="status" aria-label={t('Loading text')}>
      {['100%', '96%', '98%', '60%', '0', '97%', '94%', '99%', '40%'].map((width, i) => (
        <p key={i}>
          <Skeleton width={width} height="0.9rem" />
        </p>
      ))}
    </div>
  )
}
