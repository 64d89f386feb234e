/** The unique index or constraint that refused a write, however the error was wrapped on its way; undefined for any other error. */
export function violatedUnique(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && error.code === '23505' && 'constraint' in error) return String(error.constraint)
  }
  return undefined
}
