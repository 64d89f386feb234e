/** Saves a text in this browser, or removes it. Does nothing if storage is unavailable. */
export function saveLocally(name: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(name)
    else localStorage.setItem(name, value)
  } catch {
    // Storage is unavailable or full.
  }
}

export function loadLocally(name: string): string | undefined {
  try {
    return localStorage.getItem(name) ?? undefined
  } catch {
    return undefined
  }
}

/** Removes texts that belong to a user rather than the browser: those whose names contain a colon, such as `draft:`. */
export function clearLocally(): void {
  try {
    for (const name of Object.keys(localStorage)) if (name.includes(':')) localStorage.removeItem(name)
  } catch {
    // Storage is unavailable.
  }
}
