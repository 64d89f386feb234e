import type { Citation } from '../../contract/messages.ts'
import type { ShownMessage } from './messages.ts'
import { isAvailable } from './policy.ts'
import type { ConversationRow } from './store/conversations.ts'

/** Formats the selected branch as Markdown; the cited passages follow each answer. */
export function exportMarkdown(conversation: ConversationRow, messages: ShownMessage[]): string {
  const lines = [
    `# ${conversation.title ?? 'Conversation'}`,
    '',
    `With ${conversation.avee_display_name} (@${conversation.avee_handle}), ${conversation.created_at.toISOString().slice(0, 10)}`,
  ]
  for (const message of messages) {
    const speaker = message.role === 'user' ? 'You' : conversation.avee_display_name
    const mark = message.status === 'complete' ? '' : ` (${message.status})`
    lines.push('', `**${speaker}**${mark}`, '', message.content)
    if (message.attachments.length > 0)
      lines.push('', `Attached: ${message.attachments.map(({ name }) => name).join(', ')}`)
    // Either all citations are cited, or none is.
    const isCiting = message.citations.every((each) => !isAvailable(each) || each.cited)
    const cited = isCiting ? message.citations : []
    if (cited.length > 0) lines.push('')
    for (const citation of cited) lines.push(`[${citation.n}] ${sourceOf(citation)}`)
  }
  return `${lines.join('\n')}\n`
}

function sourceOf(citation: Citation): string {
  if (citation.status !== 'available')
    return citation.status === 'deleted' ? 'Document deleted' : 'You no longer have access'
  const page = citation.page === null ? '' : `, page ${citation.page}`
  return `${citation.title}${page}: “${citation.text.trim().replaceAll(/\s+/g, ' ')}”`
}
