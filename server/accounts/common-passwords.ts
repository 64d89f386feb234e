import { dictionary } from '@zxcvbn-ts/language-common'

let passwords: Set<string> | undefined

/** Returns whether a password, in any case, is among the most common ones of leaked lists. */
export function isCommonPassword(password: string): boolean {
  passwords ??= new Set(dictionary['passwords-common'].map(String))
  return passwords.has(password.toLowerCase())
}
