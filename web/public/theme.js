// Runs before the first paint: an explicit choice of theme beats the system's.
;(() => {
  try {
    const theme = localStorage.getItem('theme')
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
  } catch {
    // Storage is closed to this page: the system's theme it is.
  }
})()
