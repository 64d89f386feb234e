import type { Scope } from '../../../contract/operation.ts'
import { defineError } from '../../errors.ts'

export const conversationOfOtherAvee = defineError(
  404,
  'conversation_not_found',
  () => 'You have no such conversation with this avee. Omit conversation_id to start a new one.',
)
export const toolScopeMissing = defineError(
  403,
  'scope_missing',
  (scope: Scope) => `This API key lacks the scope "${scope}". Create one that has it.`,
)
