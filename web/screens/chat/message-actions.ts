import type { Citation } from '../../../contract/messages.ts'

/** Actions on a conversation's messages. The object is stable, so that memoized messages do not render again. */
export type MessageActions = {
  edit: (messageId: string, question: string) => void
  regenerate: (messageId: string, model?: string) => void
  /** Continues an unfinished answer. */
  continueAnswer: (messageId: string) => void
  ask: (question: string) => void
  showBranch: (messageId: string) => void
  /** Opens source `n` of an answer; `answer` is the answer's text. */
  openCitation: (citations: Citation[], n: number, answer: string) => void
  /** Loads the conversation's messages again. */
  refresh: () => void
}
