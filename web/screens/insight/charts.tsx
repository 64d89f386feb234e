import { axisMax, formatDay } from './days.ts'

const width = 400
const height = 150
const left = 34
const foot = 22
const plotHeight = height - foot - 6

type Named = { label: string }

/** Days as bars; `part` is the lower, darker share of each. */
export function DailyBarChart({
  label,
  values,
  partName,
}: Named & { values: { day: string; value: number; part: number }[]; partName: string }) {
  const end = axisMax(values.map(({ value }) => value))
  const step = (width - left) / values.length
  const bar = Math.max(1, Math.min(22, step * 0.7))
  const tall = (value: number) => (value / end) * plotHeight
  return (
    <ChartFrame label={label} days={values.map(({ day }) => day)} marks={[0, end]} top={end}>
      {values.map(({ day, value, part }, i) => {
        const x = left + i * step + (step - bar) / 2
        const bottom = 6 + plotHeight
        return (
          <g key={day}>
            <title>{`${formatDay(day)}: ${value}${part > 0 ? `, ${part} ${partName}` : ''}`}</title>
            <rect className="plot-hit" x={left + i * step} y={6} width={step} height={plotHeight} />
            <rect
              className="plot-bar"
              x={x}
              y={bottom - tall(value)}
              width={bar}
              height={tall(value)}
              rx={2}
            />
            {part > 0 && (
              <rect
                className="plot-part"
                x={x}
                y={bottom - tall(part)}
                width={bar}
                height={tall(part)}
                rx={2}
              />
            )}
          </g>
        )
      })}
    </ChartFrame>
  )
}

/** Days as a line from 0 to 100; days without a value are left out and joined over. */
export function DailyLineChart({
  label,
  values,
}: Named & { values: { day: string; value: number | null }[] }) {
  const step = (width - left) / values.length
  const points = values.flatMap(({ day, value }, i) =>
    value === null ? [] : [{ day, value, x: left + (i + 0.5) * step, y: 6 + plotHeight * (1 - value / 100) }],
  )
  return (
    <ChartFrame label={label} days={values.map(({ day }) => day)} marks={[0, 50, 100]} top={100} unit="%">
      <polyline className="plot-line" points={points.map(({ x, y }) => `${x},${y}`).join(' ')} />
      {points.map(({ day, value, x, y }) => (
        <circle key={day} className="plot-point" cx={x} cy={y} r={3.5}>
          <title>{`${formatDay(day)}: ${Math.round(value)} %`}</title>
        </circle>
      ))}
    </ChartFrame>
  )
}

function ChartFrame({
  label,
  days,
  marks,
  top,
  unit = '',
  children,
}: Named & { days: string[]; marks: number[]; top: number; unit?: string; children: React.ReactNode }) {
  const [first = '', last = ''] = [days[0], days.at(-1)]
  return (
    <svg className="plot" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      {marks.map((mark) => {
        const y = 6 + plotHeight * (1 - mark / top)
        return (
          <g key={mark}>
            <line className="plot-grid" x1={left} x2={width} y1={y} y2={y} />
            <text className="plot-text" x={left - 6} y={y + 4} textAnchor="end">
              {mark}
              {unit}
            </text>
          </g>
        )
      })}
      {children}
      <text className="plot-text" x={left} y={height - 4}>
        {formatDay(first)}
      </text>
      <text className="plot-text" x={width} y={height - 4} textAnchor="end">
        {formatDay(last)}
      </text>
    </svg>
  )
}

/** A bar in a row of a list, against the longest. */
export function ShareBar({ value, most }: { value: number; most: number }) {
  return (
    <span className="row-bar" aria-hidden>
      <span style={{ width: `${most > 0 ? (100 * value) / most : 0}%` }} />
    </span>
  )
}

/** A topic's days at the size of a word. */
export function Sparkline({ days, counts }: { days: string[]; counts: Map<string, number> }) {
  const most = Math.max(1, ...counts.values())
  const points = days.map(
    (day, i) => `${(i / Math.max(1, days.length - 1)) * 80},${18 - ((counts.get(day) ?? 0) / most) * 16}`,
  )
  return (
    <svg className="spark" viewBox="0 0 80 20" preserveAspectRatio="none" aria-hidden>
      <polyline className="plot-line" points={points.join(' ')} />
    </svg>
  )
}
