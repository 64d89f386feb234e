import type { Conversation, Message } from '../../contract/chat.ts'

/** Formats the selected branch as Markdown; the cited passages follow each answer. */
export function exportMarkdown(conversation: Conversation, messages: Message[]): string {
  const lines = [
    `# ${conversation.title ?? 'Conversation'}`,
    '',
    `With ${conversation.avee_display_name} (@${conversation.avee_handle}), ${conversation.created_at.slice(0, 10)}`,
  ]
  for (const message of messages) {
    const speaker = message.role === 'user' ? 'You' : conversation.avee_display_name
    const mark = message.status === 'complete' ? '' : ` (${message.status})`
    lines.push('', `**${speaker}**${mark}`, '', message.content)
    const cited = message.citations.filter((citation) => citation.cited)
    if (cited.length > 0) lines.push('')
    for (const citation of cited) {
      const page = citation.page === null ? '' : `, page ${citation.page}`
      lines.push(
        `[${citation.n}] ${citation.title}${page}: “${citation.text.trim().replaceAll(/\s+/g, ' ')}”`,
      )
    }
  }
  return `${lines.join('\n')}\n`
}
