/** A run as a page: who held what, which faults there were. One file, without anything from elsewhere. */
import type { HoldRecord } from './ledger.js'
import { reportOf } from './report.js'
import type { Run } from './run.js'

/** Longer runs show their last part, and whatever went wrong. */
const MOST_BARS = 40_000
const LANES = /^([\d-]+\/)?(steps-|long-|counter-|permits|book|fairness)/

export function timelineOf(run: Run): string {
  const at = (ms: number): number => Math.round((ms - run.startMs) * 10) / 10
  const barOf = (hold: HoldRecord): unknown[] => [
    hold.key,
    hold.client,
    at(hold.grantedMs),
    at(Math.max(hold.seenMs, hold.grantedMs)),
    hold.token ?? 0,
    hold.end ?? 'died',
  ]
  const holds = run.history.holds.filter(({ key }) => LANES.test(key))
  const data = {
    length: at(run.endMs),
    healed: at(run.healedMs),
    clients: run.options.clients,
    faults: run.faults.map(({ kind, clients, fromMs, toMs }) => [kind, clients, at(fromMs), at(toMs)]),
    breaks: run.breaks.map(({ why, fromMs, toMs }) => [why, at(fromMs), at(toMs)]),
    holds: holds.slice(-MOST_BARS).map(barOf),
    overlaps: run.verdict.overlaps.map(({ newer, ms, excuse }) => [newer.key, at(newer.grantedMs), ms, excuse ?? '']),
    stale: run.history.stale.map(({ hold, atMs, accepted }) => [hold.key, at(atMs), accepted]),
  }
  const { library, shape, seed } = run.options
  return page(`${library}, ${shape}, seed ${seed}`, data, reportOf(run))
}

/** `<` could end the script, and is not needed. */
const embedded = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c')

function page(title: string, data: unknown, report: unknown): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Chaos: ${title}</title>
<style>
body { font: 14px system-ui, sans-serif; margin: 16px; color: #222; background: #fff }
#view { overflow-x: auto; border: 1px solid #ccc } #tip { min-height: 1.4em; color: #555 } pre { background: #f6f6f6; padding: 8px; overflow: auto }
</style>
<h1>Chaos: ${title}</h1>
<p>A row for each client, then one for each key; a bar is a hold, in the colour of its client. Red: two held at once; black tick: an effect that came after its successor's.
Grey: faults; hatched: the store forgot, or its clock jumped. <button id="in">wider</button> <button id="out">narrower</button></p>
<div id="tip">Point at a bar.</div><div id="view"><canvas id="c"></canvas></div>
<h2>Report</h2><pre id="report"></pre>
<script>
const data = ${embedded(data)}
document.getElementById('report').textContent = JSON.stringify(${embedded(report)}, null, 2)
const ROW = 18, LEFT = 130, canvas = document.getElementById('c'), tip = document.getElementById('tip')
const keys = [...new Set(data.holds.map((h) => h[0]))].sort()
const rows = ['servers', ...Array.from({ length: data.clients }, (_, i) => 'client ' + i), ...keys]
const top = (name) => 20 + rows.indexOf(name) * ROW
const hue = (client) => 'hsl(' + (client * 360) / data.clients + ',65%,55%)'
let perMs = Math.min(0.2, 30000 / data.length)
const x = (ms) => LEFT + ms * perMs
let boxes = []
function bar(row, from, to, color, text, height = ROW - 4) {
  const [left, width] = [x(from), Math.max(1, (to - from) * perMs)]
  g.fillStyle = color
  g.fillRect(left, top(row) + 2, width, height)
  boxes.push([left, top(row), Math.max(width, 3), text])
}
let g
function draw() {
  boxes = []
  canvas.width = Math.min(32000, LEFT + data.length * perMs + 20)
  canvas.height = 30 + rows.length * ROW
  g = canvas.getContext('2d')
  g.font = '12px system-ui'
  for (let s = 0; s * 1000 < data.length; s++) { g.fillStyle = '#eee'; g.fillRect(x(s * 1000), 14, 1, canvas.height); if (perMs * 1000 > 30 || s % 10 === 0) { g.fillStyle = '#888'; g.fillText(s + ' s', x(s * 1000) + 2, 11) } }
  for (const [why, from, to] of data.breaks) { g.fillStyle = 'rgba(200,140,0,.25)'; g.fillRect(x(from), 14, Math.max(2, (to - from) * perMs), canvas.height); boxes.push([x(from), top('servers'), 6, why]) }
  rows.forEach((name) => { g.fillStyle = '#222'; g.fillText(name, 4, top(name) + 13) })
  for (const [kind, clients, from, to] of data.faults) for (const row of clients.length ? clients.map((c) => 'client ' + c) : ['servers']) bar(row, from, to, '#9994', kind + ', ' + Math.round(to - from) + ' ms')
  for (const [key, client, from, to, token, end] of data.holds) { bar(key, from, to, hue(client), key + ': client ' + client + ', ' + Math.round(to - from) + ' ms, token ' + token + ', ' + end); bar('client ' + client, from, to, hue(client), key, 4) }
  for (const [key, from, ms, excuse] of data.overlaps) if (rows.includes(key)) bar(key, from, from + ms, 'red', 'two held at once for ' + ms.toFixed(1) + ' ms' + (excuse ? ': ' + excuse : ', and nothing excuses it'))
  for (const [key, at, accepted] of data.stale) if (rows.includes(key)) bar(key, at, at, 'black', 'an effect after its successor\\'s, ' + (accepted ? 'let through' : 'refused'))
  bar('servers', data.healed, data.healed, 'green', 'all healed')
}
canvas.onmousemove = (e) => { const hit = boxes.filter(([l, t, w]) => e.offsetX >= l - 1 && e.offsetX <= l + w + 1 && e.offsetY >= t && e.offsetY < t + ROW).pop(); tip.textContent = hit ? hit[3] : ((e.offsetX - LEFT) / perMs / 1000).toFixed(2) + ' s' }
document.getElementById('in').onclick = () => { perMs *= 2; draw() }
document.getElementById('out').onclick = () => { perMs /= 2; draw() }
draw()
</script>
</html>
`
}
