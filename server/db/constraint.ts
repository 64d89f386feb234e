/** Returns the unique index or constraint that a write violated, also from a wrapped error; undefined for any other error. */
export function violatedUnique(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && error.code === '23505' && 'constraint' in error) return String(error.constraint)
  }
  return undefined
}

/** Returns a rejection handler that throws the error for the violated unique index or constraint, by its name. */
export const translateConflict =
  (errors: Record<string, () => Error>) =>
  (thrown: unknown): never => {
    throw errors[violatedUnique(thrown) ?? '']?.() ?? thrown
  }
