import { useServerStatus } from '../../api/react.tsx'

/** Returns the number of characters that a question may have; infinite until it is known. */
export const useQuestionLimit = (): number =>
  useServerStatus().data?.max_question_chars ?? Number.POSITIVE_INFINITY

export const tooLongText = (length: number, limit: number): string =>
  `The question has ${length.toLocaleString('en')} characters. The limit is ${limit.toLocaleString('en')}.`
