// Runs before the first paint, so that the chosen appearance does not flash.
;(() => {
  const choices = { theme: ['light', 'dark'], contrast: ['high'], density: ['compact'] }
  try {
    for (const [name, values] of Object.entries(choices)) {
      const value = localStorage.getItem(name)
      if (values.includes(value)) document.documentElement.dataset[name] = value
    }
  } catch {
    // Storage is unavailable: the appearance of the system applies.
  }
})()
