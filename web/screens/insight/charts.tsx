import { axisMax, formatDay } from './days.ts'
import './charts.css'

// Lengths are in units of the SVG's view box.
const width = 400
const height = 150
const marginLeft = 34
const marginTop = 6
const marginBottom = 22
const plotHeight = height - marginTop - marginBottom

type Labelled = { label: string }

/** One bar per day; `part` is the share of the value drawn in the warning colour from the bottom. */
export function DailyBarChart({
  label,
  values,
  partLabel,
}: Labelled & { values: { day: string; value: number; part: number }[]; partLabel: string }) {
  const max = axisMax(values.map(({ value }) => value))
  const step = (width - marginLeft) / values.length
  const barWidth = Math.max(1, Math.min(22, step * 0.7))
  const barHeight = (value: number) => (value / max) * plotHeight
  return (
    <ChartFrame label={label} days={values.map(({ day }) => day)} ticks={[0, max]} max={max}>
      {values.map(({ day, value, part }, i) => {
        const x = marginLeft + i * step + (step - barWidth) / 2
        const bottom = marginTop + plotHeight
        return (
          <g key={day}>
            <title>{`${formatDay(day)}: ${value}${part > 0 ? `, ${part} ${partLabel}` : ''}`}</title>
            <rect
              className="chart-hover"
              x={marginLeft + i * step}
              y={marginTop}
              width={step}
              height={plotHeight}
            />
            <rect
              className="chart-bar"
              x={x}
              y={bottom - barHeight(value)}
              width={barWidth}
              height={barHeight(value)}
              rx={2}
            />
            {part > 0 && (
              <rect
                className="chart-bar-part"
                x={x}
                y={bottom - barHeight(part)}
                width={barWidth}
                height={barHeight(part)}
                rx={2}
              />
            )}
          </g>
        )
      })}
    </ChartFrame>
  )
}

/** A line of daily values from 0 to 100. It skips days without a value. */
export function DailyLineChart({
  label,
  values,
}: Labelled & { values: { day: string; value: number | null }[] }) {
  const step = (width - marginLeft) / values.length
  const points = values.flatMap(({ day, value }, i) =>
    value === null
      ? []
      : [{ day, value, x: marginLeft + (i + 0.5) * step, y: marginTop + plotHeight * (1 - value / 100) }],
  )
  return (
    <ChartFrame label={label} days={values.map(({ day }) => day)} ticks={[0, 50, 100]} max={100} unit="%">
      <polyline className="chart-line" points={points.map(({ x, y }) => `${x},${y}`).join(' ')} />
      {points.map(({ day, value, x, y }) => (
        <circle key={day} className="chart-point" cx={x} cy={y} r={3.5}>
          <title>{`${formatDay(day)}: ${Math.round(value)} %`}</title>
        </circle>
      ))}
    </ChartFrame>
  )
}

function ChartFrame({
  label,
  days,
  ticks,
  max,
  unit = '',
  children,
}: Labelled & { days: string[]; ticks: number[]; max: number; unit?: string; children: React.ReactNode }) {
  const [first = '', last = ''] = [days[0], days.at(-1)]
  return (
    <svg className="chart" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {ticks.map((tick) => {
        const y = marginTop + plotHeight * (1 - tick / max)
        return (
          <g key={tick}>
            <line className="chart-grid" x1={marginLeft} x2={width} y1={y} y2={y} />
            <text className="chart-text" x={marginLeft - 6} y={y + 4} textAnchor="end">
              {tick}
              {unit}
            </text>
          </g>
        )
      })}
      {children}
      <text className="chart-text" x={marginLeft} y={height - 4}>
        {formatDay(first)}
      </text>
      <text className="chart-text" x={width} y={height - 4} textAnchor="end">
        {formatDay(last)}
      </text>
    </svg>
  )
}

/** A horizontal bar whose length is the value's share of the maximum. */
export function ShareBar({ value, max }: { value: number; max: number }) {
  return (
    <span className="share-bar" aria-hidden>
      <span style={{ width: `${max > 0 ? (100 * value) / max : 0}%` }} />
    </span>
  )
}

/** A sparkline of daily counts. */
export function Sparkline({ days, counts }: { days: string[]; counts: Map<string, number> }) {
  const max = Math.max(1, ...counts.values())
  const points = days.map(
    (day, i) => `${(i / Math.max(1, days.length - 1)) * 80},${18 - ((counts.get(day) ?? 0) / max) * 16}`,
  )
  return (
    <svg className="sparkline" viewBox="0 0 80 20" preserveAspectRatio="none" aria-hidden>
      <polyline className="chart-line" points={points.join(' ')} />
    </svg>
  )
}
