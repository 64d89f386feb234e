import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { listQuestions } from '../../contract/avee-insight.ts'
import { type Avee, listMyAvees } from '../../contract/avees.ts'
import { type Client, keys } from '../api/index.ts'
import { useApi } from '../api/react.tsx'
import { t } from '../languages/index.ts'
import { Avatar } from '../ui/state.tsx'
import './sidebar-avees.css'

const maxAvees = 6

/** The query of the user's avees. */
export const myAveesOf = (api: Client) => ({
  queryKey: keys.myAvees,
  queryFn: () => api.call(listMyAvees),
  staleTime: 60_000,
})

/** The avees that the user owns or follows, with the number of questions that visitors have sent to the owner. */
export function SidebarAvees({ current }: { current: string | undefined }) {
  const api = useApi()
  const mine = useQuery(myAveesOf(api))
  const followed = useQuery({
    queryKey: keys.followedAvees,
    queryFn: () => api.call(listMyAvees, { query: { followed: true } }),
    staleTime: 60_000,
  })
  const own = mine.data?.avees.filter((avee) => !avee.is_library) ?? []
  const others = followed.data?.avees.filter((avee) => !avee.is_owner) ?? []
  const avees = [...own, ...others]
  if (avees.length === 0) return null
  return (
    <nav className="sidebar-avees" aria-label={t('Your avees')}>
      <ul>
        {avees.slice(0, maxAvees).map((avee) => (
          <li key={avee.id}>
            <Link
              href={`/chat/${avee.handle}`}
              className="nav-link"
              aria-current={avee.handle === current ? 'true' : undefined}
            >
              <Avatar name={avee.display_name} picture={avee.avatar} size={22} />
              <span className="truncate" dir="auto">
                {avee.display_name}
              </span>
            </Link>
            {avee.is_owner && <WaitingQuestions avee={avee} />}
          </li>
        ))}
      </ul>
    </nav>
  )
}

/** The query of the number of visitors' questions to the owner of an avee that have no reply yet. */
export const waitingQuestionsOf = (api: Client, avee: Avee) => ({
  queryKey: [...keys.questions(avee.id), 'waiting'],
  queryFn: async () => {
    const { questions } = await api.call(listQuestions, { params: { id: avee.id } })
    return questions.flatMap((question) => question.passed_on.filter(({ replied }) => !replied)).length
  },
  enabled: avee.is_owner && !avee.is_library && (avee.visibility !== 'private' || avee.followers > 0),
  staleTime: 60_000,
  refetchInterval: 60_000,
})

function WaitingQuestions({ avee }: { avee: Avee }) {
  const api = useApi()
  const { data: waiting } = useQuery(waitingQuestionsOf(api, avee))
  if (!waiting) return null
  return (
    <Link
      href={`/avee/${avee.handle}/insight/questions`}
      className="waiting-questions"
      aria-label={t('{count, plural, one {# question} other {# questions}} for {name}', {
        count: waiting,
        name: avee.display_name,
      })}
    >
      {waiting}
    </Link>
  )
}
