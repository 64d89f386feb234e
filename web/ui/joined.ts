/** Class names that apply, as one. */
export const joined = (...names: (string | false | undefined | null)[]): string =>
  names.filter(Boolean).join(' ')
