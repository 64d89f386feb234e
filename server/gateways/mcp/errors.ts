import type { Scope } from '../../../contract/operation.ts'
import { defineError } from '../../errors.ts'

export const conversationOfOtherAvee = defineError(
  404,
  'conversation_not_found',
  () => 'This avee has no such conversation with you. Leave out conversation_id to begin one.',
)
export const toolScopeMissing = defineError(
  403,
  'scope_missing',
  (scope: Scope) => `This API key lacks the scope "${scope}". Create one that has it.`,
)
