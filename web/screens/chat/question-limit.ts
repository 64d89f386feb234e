import { useServerStatus } from '../../api/react.tsx'
import { t } from '../../languages/index.ts'

/** Returns the number of characters that a question may have; infinity until it is known. */
export const useQuestionLimit = (): number =>
  useServerStatus().data?.max_question_chars ?? Number.POSITIVE_INFINITY

export const tooLongText = (length: number, limit: number): string =>
  t('The question has {count, number} characters. The limit is {limit, number}.', { count: length, limit })
