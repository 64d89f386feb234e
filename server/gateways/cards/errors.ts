import { defineError } from '../../errors.ts'

export const noFile = defineError(
  400,
  'no_file',
  () => 'The request contains no file. Send a character card or an .avee file in the form field "file".',
)
export const notACard = defineError(
  422,
  'not_a_card',
  (reason: string) => `The file is not a readable character card: ${reason}`,
)
export const aveeFileDamaged = defineError(
  422,
  'avee_file_damaged',
  (reason: string) => `The .avee file cannot be read: ${reason}`,
)
export const fileTooLarge = defineError(
  413,
  'too_large',
  (megabytes: number) => `The file is larger than the limit of ${megabytes} MB.`,
)
export const ownerExportsAll = defineError(
  403,
  'not_the_owner',
  () => 'Only the owner can export an avee as an .avee file. Use format=json or format=png.',
)
