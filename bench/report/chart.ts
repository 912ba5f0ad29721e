/** Bars as SVG: no script, readable on light and dark ground. */

export interface ChartBar {
  readonly label: string
  readonly value: number
  /** What stands at the end of the bar. */
  readonly text: string
  readonly role: 'floor' | 'peer' | 'ours'
}

export interface Chart {
  readonly title: string
  /** What the bars count, and which direction is better. */
  readonly subtitle: string
  readonly groups: readonly { readonly title: string; readonly bars: readonly ChartBar[] }[]
  /** A logarithmic length, where the largest is more than a hundred times the smallest. */
  readonly log: boolean
}

const WIDTH = 760
const LABELS = 290
const TEXTS = 160
const BAR = 18
const STEP = 26
const TOP = 58
const GROUP = 28

const style = `text{font:13px system-ui,sans-serif;fill:#1f2328}.h{font-weight:600;font-size:15px}.s{fill:#59636e;font-size:12px}
.g{font-weight:600}.floor{fill:#afb8c1}.peer{fill:#6e7781}.ours{fill:#0969da}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.s{fill:#9198a1}.floor{fill:#565e67}.peer{fill:#8b949e}.ours{fill:#4493f8}}`

export function barChart({ title, subtitle, groups, log }: Chart): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value))
  const lengthOf = scale(values, log)
  const parts: string[] = []
  let y = TOP
  for (const group of groups) {
    if (group.title !== '') {
      parts.push(`<text class="g" x="12" y="${String(y + 14)}">${escaped(group.title)}</text>`)
      y += GROUP
    }
    for (const bar of group.bars) {
      parts.push(barAt(bar, y, lengthOf(bar.value)))
      y += STEP
    }
  }
  const height = y + 10
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${String(WIDTH)}" height="${String(height)}" viewBox="0 0 ${String(WIDTH)} ${String(height)}" role="img" aria-label="${escaped(title)}">
<style>${style}</style>
<text class="h" x="12" y="24">${escaped(title)}</text>
<text class="s" x="12" y="43">${escaped(subtitle)}${log ? '; logarithmic' : ''}</text>
${parts.join('\n')}
</svg>
`
}

function barAt({ label, text, role }: ChartBar, y: number, length: number): string {
  const baseline = String(y + 13)
  return `<text x="${String(LABELS - 8)}" y="${baseline}" text-anchor="end">${escaped(label)}</text><rect class="${role}" x="${String(LABELS)}" y="${String(y)}" width="${length.toFixed(1)}" height="${String(BAR)}" rx="2"/><text x="${(LABELS + length + 6).toFixed(1)}" y="${baseline}">${escaped(text)}</text>`
}

function scale(values: readonly number[], log: boolean): (value: number) => number {
  const room = WIDTH - LABELS - TEXTS
  const most = Math.max(...values)
  if (!log) return (value) => Math.max(1, (value / most) * room)
  // the smallest bar keeps a tenth of the room
  const least = Math.min(...values.filter((value) => value > 0))
  const span = Math.max(1e-9, Math.log(most / least))
  return (value) => (value <= 0 ? 1 : room * (0.1 + (0.9 * Math.log(value / least)) / span))
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign)
