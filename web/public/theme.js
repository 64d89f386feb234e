// Runs before the first paint, so that the chosen theme does not flash.
;(() => {
  try {
    const theme = localStorage.getItem('theme')
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
  } catch {
    // Storage is unavailable: the theme of the system applies.
  }
})()
