import type { Citation } from '../../../contract/chat.ts'

/** What a message can ask for. The same object as long as the conversation is the same. */
export type MessageActions = {
  edit: (messageId: string, question: string) => void
  regenerate: (messageId: string, model?: string) => void
  continueAnswer: () => void
  ask: (question: string) => void
  showBranch: (messageId: string) => void
  /** `answer` is the text in which the source is named. */
  openCitation: (citations: Citation[], n: number, answer: string) => void
  onEnded: () => void
}
