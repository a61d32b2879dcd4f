/** Small charts as SVG: lines over numbers and groups of bars, for results that belong into a README. */

export interface Axis {
  readonly label: string
  readonly log?: boolean
  readonly from?: number
  readonly to?: number
}

export interface Series {
  readonly name: string
  /** The same name has the same colour in every chart of a page, by its place among all names. */
  readonly points: readonly (readonly [x: number, y: number])[]
  readonly dashed?: boolean
}

export interface LineChart {
  readonly kind: 'lines'
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
}

export interface BarChart {
  readonly kind: 'bars'
  readonly title: string
  readonly y: Axis
  readonly groups: readonly string[]
  /** A value for each group. */
  readonly series: readonly { readonly name: string; readonly values: readonly (number | undefined)[] }[]
}

export type Chart = LineChart | BarChart

// Okabe and Ito's colours, which the colour-blind tell apart, and the darker ones first.
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000']
const size = { width: 480, height: 320, left: 66, right: 18, top: 40, bottom: 50 }
const font = 'font-family="Helvetica, Arial, DejaVu Sans, sans-serif"'

/** Charts in columns under one title, with one legend for all of them. */
export function page(title: string, charts: readonly Chart[], columns = 2): string {
  const names = [...new Set(charts.flatMap((chart) => chart.series.map(({ name }) => name)))]
  const colour = (name: string) => colours[names.indexOf(name) % colours.length] ?? '#000000'
  const dashed = new Set(
    charts.flatMap((chart) =>
      chart.kind === 'lines' ? chart.series.filter((one) => one.dashed).map(({ name }) => name) : [],
    ),
  )
  const width = Math.min(columns, charts.length) * size.width
  const legend = drawLegend(names, colour, dashed, width)
  const head = 44 + legend.height
  const height = head + Math.ceil(charts.length / columns) * size.height
  const body = charts.map((chart, at) => {
    const place = `translate(${(at % columns) * size.width} ${head + Math.floor(at / columns) * size.height})`
    return `<g transform="${place}">${drawChart(chart, colour)}</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${font} font-size="12" fill="#222">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(title, width / 2, 28, 'middle', 'font-size="17" font-weight="bold"'),
    legend.svg,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

function drawLegend(
  names: readonly string[],
  colour: (name: string) => string,
  dashed: ReadonlySet<string>,
  width: number,
): { svg: string; height: number } {
  const entryWidth = Math.max(...names.map((name) => name.length)) * 6.6 + 52
  const inRow = Math.max(1, Math.min(names.length, Math.floor((width - 40) / entryWidth)))
  const left = (width - inRow * entryWidth) / 2
  const entries = names.map((name, at) => {
    const x = left + (at % inRow) * entryWidth
    const y = 48 + Math.floor(at / inRow) * 20
    const dash = dashed.has(name) ? ' stroke-dasharray="5 3"' : ''
    return `<line x1="${fixed(x)}" x2="${fixed(x + 26)}" y1="${y}" y2="${y}" stroke="${colour(name)}" stroke-width="2.5"${dash}/>${dot(x + 13, y, colour(name))}${text(name, x + 33, y + 4, 'start')}`
  })
  return { svg: entries.join('\n'), height: Math.ceil(names.length / inRow) * 20 }
}

function drawChart(chart: Chart, colour: (name: string) => string): string {
  const values =
    chart.kind === 'lines'
      ? chart.series.flatMap(({ points }) => points.map(([, y]) => y))
      : chart.series.flatMap((one) => one.values).filter((value) => value !== undefined)
  const y = scale(chart.y, chart.kind === 'bars' && !chart.y.log ? [0, ...values] : values, [
    size.height - size.bottom,
    size.top,
  ])
  const grid = y.ticks.map((value) => {
    const at = fixed(y.place(value))
    return `<line x1="${size.left}" x2="${size.width - size.right}" y1="${at}" y2="${at}" stroke="#ddd"/>${text(numberLabel(value), size.left - 7, y.place(value) + 4, 'end')}`
  })
  const middle = (size.top + size.height - size.bottom) / 2
  return [
    text(chart.title, (size.left + size.width - size.right) / 2, 24, 'middle', 'font-weight="bold"'),
    ...grid,
    text(chart.y.label, 16, middle, 'middle', `transform="rotate(-90 16 ${middle})"`),
    ...(chart.kind === 'lines' ? drawLines(chart, y, colour) : drawBars(chart, y, colour)),
    `<path d="M${size.left} ${size.top}V${size.height - size.bottom}H${size.width - size.right}" fill="none" stroke="#555"/>`,
  ].join('\n')
}

function drawLines(chart: LineChart, y: Scale, colour: (name: string) => string): string[] {
  const x = scale(
    chart.x,
    chart.series.flatMap(({ points }) => points.map(([value]) => value)),
    [size.left + 14, size.width - size.right - 14],
  )
  const bottom = size.height - size.bottom
  return [
    ...x.ticks.map((value) => {
      const at = fixed(x.place(value))
      return `<line x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 4}" stroke="#555"/>${text(numberLabel(value), x.place(value), bottom + 18, 'middle')}`
    }),
    text(chart.x.label, (size.left + size.width - size.right) / 2, size.height - 12, 'middle'),
    ...chart.series.map(({ name, points, dashed }) => {
      const places = points.map(([one, other]) => [x.place(one), y.place(other)] as const)
      const path = places
        .map(([left, top], at) => `${at === 0 ? 'M' : 'L'}${fixed(left)} ${fixed(top)}`)
        .join('')
      const dash = dashed ? ' stroke-dasharray="5 3"' : ''
      return `<path d="${path}" fill="none" stroke="${colour(name)}" stroke-width="2"${dash}/>${places.map(([left, top]) => dot(left, top, colour(name))).join('')}`
    }),
  ]
}

function drawBars(chart: BarChart, y: Scale, colour: (name: string) => string): string[] {
  const bottom = size.height - size.bottom
  const groupWidth = (size.width - size.left - size.right) / chart.groups.length
  const barWidth = Math.min(40, (groupWidth * 0.8) / chart.series.length)
  return chart.groups.flatMap((group, at) => {
    const middle = size.left + (at + 0.5) * groupWidth
    const bars = chart.series.flatMap(({ name, values }, place) => {
      const value = values[at]
      if (value === undefined) return []
      const left = middle + (place - chart.series.length / 2) * barWidth
      const top = Math.min(bottom, y.place(value))
      return `<rect x="${fixed(left)}" y="${fixed(top)}" width="${fixed(barWidth - 2)}" height="${fixed(bottom - top)}" fill="${colour(name)}"/>${text(numberLabel(value), left + barWidth / 2 - 1, top - 4, 'middle', 'font-size="10"')}`
    })
    return [...bars, text(group, middle, bottom + 18, 'middle')]
  })
}

interface Scale {
  readonly ticks: readonly number[]
  place(value: number): number
}

function scale(axis: Axis, values: readonly number[], [start, end]: readonly [number, number]): Scale {
  const positive = axis.log ? values.filter((value) => value > 0) : values
  const ticks = axis.log
    ? logTicks(axis.from ?? Math.min(...positive), axis.to ?? Math.max(...positive))
    : evenTicks(axis.from ?? Math.min(...positive), axis.to ?? Math.max(...positive))
  const measure = (value: number) => (axis.log ? Math.log10(Math.max(value, Number.MIN_VALUE)) : value)
  const from = measure(ticks[0] ?? 0)
  const to = measure(ticks.at(-1) ?? 1)
  return {
    ticks,
    place: (value) => start + ((measure(value) - from) / (to - from || 1)) * (end - start),
  }
}

/** 1, 2 and 5 of each power of ten that is needed; the powers alone where those would be too many. */
function logTicks(from: number, to: number): number[] {
  const candidates = (steps: readonly number[]) => {
    const all = Array.from({ length: 31 }, (_, at) => 10 ** (at - 15)).flatMap((power) =>
      steps.map((step) => Number((step * power).toPrecision(3))),
    )
    const first = all.findLastIndex((tick) => tick <= from * 1.0001)
    const last = all.findIndex((tick) => tick >= to * 0.9999)
    return all.slice(Math.max(0, first), last + 1)
  }
  const fine = candidates([1, 2, 5])
  return fine.length <= 9 ? fine : candidates([1])
}

function evenTicks(from: number, to: number): number[] {
  const rough = (to - from || Math.abs(to) || 1) / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.9999) ?? 10)
  const first = Math.floor(from / step + 1e-9)
  const count = Math.max(1, Math.ceil(to / step - 1e-9) - first)
  return Array.from({ length: count + 1 }, (_, at) => Number(((first + at) * step).toPrecision(10)))
}

function numberLabel(value: number): string {
  if (value === 0 || Math.abs(value) < 1000) return String(Number(value.toPrecision(3)))
  return Math.abs(value) < 1_000_000
    ? `${Number((value / 1000).toPrecision(3))}k`
    : `${Number((value / 1_000_000).toPrecision(3))}M`
}

function dot(x: number, y: number, colour: string): string {
  return `<circle cx="${fixed(x)}" cy="${fixed(y)}" r="3.2" fill="${colour}"/>`
}

function text(content: string, x: number, y: number, anchor: string, more = ''): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}"${more && ` ${more}`}>${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10)
}
