import { maxQuestion } from '../../../contract/limits.ts'

export const tooLongText = (length: number): string =>
  `The question has ${length.toLocaleString('en')} characters. The limit is ${maxQuestion.toLocaleString('en')}.`
