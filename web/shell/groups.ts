import type { Conversation } from '../../contract/conversations.ts'
import { currentLanguage, t } from '../languages/index.ts'

export type ConversationGroup = { title: string; conversations: Conversation[] }

/** Groups conversations: pinned, today, yesterday, last 7 days, last 30 days, then by month. */
export function groupByTime(conversations: Conversation[], now: Date): ConversationGroup[] {
  const groups: ConversationGroup[] = []
  for (const conversation of conversations) {
    const title = conversation.pinned ? t('Pinned') : span(new Date(conversation.updated_at), now)
    const group = groups.find((other) => other.title === title)
    if (group) group.conversations.push(conversation)
    else groups.push({ title, conversations: [conversation] })
  }
  return groups
}

function span(moment: Date, now: Date): string {
  const days = Math.round((midnight(now) - midnight(moment)) / 86_400_000)
  if (days <= 0) return t('Today')
  if (days === 1) return t('Yesterday')
  if (days < 7) return t('Last 7 days')
  if (days < 30) return t('Last 30 days')
  return moment.toLocaleDateString(currentLanguage(), { month: 'long', year: 'numeric' })
}

const midnight = (moment: Date): number =>
  new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime()
