/** Keeps a small text in this browser; where storage is closed it is forgotten. */
export function saveLocally(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(name)
    else localStorage.setItem(name, value)
  } catch {
    // Storage is closed to this page, or full: nothing depends on it.
  }
}

export function loadLocally(name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined
  } catch {
    return undefined
  }
}

/** Forgets everything whose name begins so. */
export function clearLocally(prefix: string): void {
  try {
    for (const name of Object.keys(localStorage)) if (name.startsWith(prefix)) localStorage.removeItem(name)
  } catch {
    // Storage is closed to this page: there is nothing to forget.
  }
}
