/** Room above a passage for the page turner. */
const above = 64

/**
 * Scrolls the panels around a mark, never the window itself: the mark's middle into the middle, or its beginning when it
 * is long.
 */
export function scrollIntoPanels(mark: HTMLElement): void {
  for (
    let panel = mark.parentElement;
    panel && panel !== document.documentElement;
    panel = panel.parentElement
  ) {
    if (getComputedStyle(panel).overflow === 'visible') continue
    const place = mark.getBoundingClientRect()
    const frame = panel.getBoundingClientRect()
    panel.scrollTop += place.top - frame.top - Math.max(above, (panel.clientHeight - place.height) / 2)
    panel.scrollLeft += place.left - frame.left - Math.max(0, (panel.clientWidth - place.width) / 2)
  }
}
