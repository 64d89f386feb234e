import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

const barWidth = 24
const minIntervalMs = 100

/**
 * The output of a command. Results go to standard output, everything else to standard error. Colours and progress
 * appear on a terminal only.
 */
export function createTerminal(
  isJson: boolean,
  out: NodeJS.WriteStream = process.stdout,
  err: NodeJS.WriteStream = process.stderr,
) {
  const style = (format: Style, text: string): string => styleText(format, text, { stream: out })
  let isProgressShown = false
  let shownAt = 0

  function clearProgress(): void {
    if (isProgressShown) err.write('\r\u001B[K')
    isProgressShown = false
  }

  return {
    isJson,
    isInteractive: process.stdin.isTTY && out.isTTY,
    style,
    /** Prints a part of a result. */
    write(text: string): void {
      clearProgress()
      out.write(text)
    },
    /** Prints a line of a result, unless the result is JSON. */
    print(line = ''): void {
      clearProgress()
      if (!isJson) out.write(`${line}\n`)
    },
    /** Prints the result of a command with `--json`. */
    json(value: unknown): void {
      clearProgress()
      if (isJson) out.write(`${JSON.stringify(value)}\n`)
    },
    note(line: string): void {
      clearProgress()
      err.write(`${line}\n`)
    },
    /** Shows a step in progress, with a bar for a share from 0 to 1; the next output replaces it. */
    progress(text: string, share?: number): void {
      if (!err.isTTY || isJson) return
      if (isProgressShown && performance.now() - shownAt < minIntervalMs) return
      const filled = Math.round((share ?? 0) * barWidth)
      const bar = share === undefined ? '' : `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} `
      clearProgress()
      err.write(`${bar}${text}`.slice(0, (err.columns || 80) - 1))
      isProgressShown = true
      shownAt = performance.now()
    },
    clearProgress,
    /** Prints rows with aligned columns. */
    table(rows: string[][]): void {
      const widths = (rows[0] ?? []).map((_, column) =>
        Math.max(...rows.map((row) => (row[column] ?? '').length)),
      )
      for (const row of rows)
        this.print(
          row
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join('  ')
            .trimEnd(),
        )
    },
  }
}

export type Terminal = ReturnType<typeof createTerminal>

const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** Formats a number of bytes: `12.3 MB`. */
export function formatBytes(bytes: number): string {
  const unit = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`
}
