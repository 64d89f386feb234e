/** The height in CSS pixels above the element that is reserved for the page navigation. */
const topMargin = 64

/**
 * Scrolls an element into view in all scrollable ancestors except the window. Centres it, or aligns its top if it is
 * taller than the ancestor.
 */
export function scrollIntoPanels(element: HTMLElement): void {
  for (
    let panel = element.parentElement;
    panel && panel !== document.documentElement;
    panel = panel.parentElement
  ) {
    if (getComputedStyle(panel).overflow === 'visible') continue
    const box = element.getBoundingClientRect()
    const frame = panel.getBoundingClientRect()
    panel.scrollTop += box.top - frame.top - Math.max(topMargin, (panel.clientHeight - box.height) / 2)
    panel.scrollLeft += box.left - frame.left - Math.max(0, (panel.clientWidth - box.width) / 2)
  }
}
