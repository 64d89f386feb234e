import { t } from '../../languages/index.ts'
import { Skeleton } from '../../ui/state.tsx'

export function ThreadSkeleton() {
  return (
    <div className="thread-skeleton" role="status" aria-label={t('Loading conversation')}>
      <div className="question-row">
        <Skeleton width="45%" height="2.75rem" />
      </div>
      <Skeleton width="30%" height="1.6rem" />
      <Skeleton width="94%" />
      <Skeleton width="88%" />
      <Skeleton width="91%" />
      <Skeleton width="40%" />
    </div>
  )
}
