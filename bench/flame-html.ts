import { escape } from '../chaos/report-svg.js'
import { flameGraphs, type ProfileOf } from './flame-tree.js'

/**
 * The flame graphs of some profiles: one page that needs no network and no other file. Wider is more time with all that was
 * called, below is who was called; a click looks closer, a search marks what has the word in its name, its file or its group.
 */
export function flameGraphHtml(title: string, profiles: readonly ProfileOf[]): string {
  const data = JSON.stringify(flameGraphs(profiles)).replaceAll('<', '\\u003c')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<style>${STYLE}</style></head><body>
<header><h1>${escape(title)}</h1><nav id="graphs"></nav>
<input id="search" type="search" placeholder="name, file or group" aria-label="Search"><output id="found"></output>
<button id="reset">all of it</button></header>
<div id="groups"></div>
<main id="flames"></main>
<footer id="about">Point at a function; click to look closer; Escape for all of it.</footer>
<script type="application/json" id="data">${data}</script>
<script>${SCRIPT}</script></body></html>
`
}

const STYLE = `
body { margin: 0; font: 13px sans-serif; background: #fff; color: #222 }
header, #groups { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; padding: 6px 10px }
h1 { font-size: 15px; margin: 0 }
button { font: inherit; border: 1px solid #bbb; border-radius: 3px; background: #f4f4f4; color: #222; padding: 2px 8px; cursor: pointer }
button[aria-pressed=true] { background: #2563a8; color: #fff }
#groups button { border-width: 0 0 0 12px; border-radius: 0 }
main { position: relative; margin: 0 10px 40px }
main div { position: absolute; height: 17px; box-sizing: border-box; overflow: hidden; white-space: nowrap; padding: 1px 3px;
  border: 1px solid #fff; border-width: 0 1px 1px 0; font-size: 11px; cursor: pointer; color: #111 }
main div.dim { filter: saturate(0.25) brightness(1.15) }
main div.found { outline: 2px solid #c2185b; outline-offset: -2px; z-index: 1 }
main div:hover { filter: brightness(0.88) }
footer { position: fixed; bottom: 0; left: 0; right: 0; padding: 6px 10px; background: #222; color: #fff; font-family: monospace }
`

/**
 * What runs in the browser. A row is one depth; the functions above the one that is looked at stay, over the whole width.
 * Functions narrower than half a pixel are not drawn.
 */
const SCRIPT = String.raw`
const { frames, graphs } = JSON.parse(document.getElementById('data').textContent)
const by = id => document.getElementById(id)
const hues = {}
const colour = group => {
  hues[group] ??= (Object.keys(hues).length * 137 + 20) % 360
  return group === 'root' ? '#ddd' : 'hsl(' + hues[group] + ' 62% 74%)'
}
let graph = graphs[0], path = [], word = ''
const ms = us => (us / 1000).toFixed(us < 1e5 ? 1 : 0) + ' ms'
const share = us => (100 * us / graph.root[2]).toFixed(2) + ' %'
const matches = frame => word !== '' && frames[frame].some(part => part.toLowerCase().includes(word))

function element(tag, properties, parent) {
  const made = Object.assign(document.createElement(tag), properties)
  parent.append(made)
  return made
}

function draw() {
  const main = by('flames'), width = main.clientWidth
  main.replaceChildren()
  let deepest = 0
  const bar = (flame, way, depth, left, wide, above) => {
    const [frame, self, total] = flame
    const [name, at, group] = frames[frame]
    const found = matches(frame)
    const one = element('div', { textContent: wide > 30 ? name : '', className: found ? 'found' : above ? 'dim' : '' }, main)
    Object.assign(one.style, { left: left + 'px', width: wide + 'px', top: depth * 17 + 'px',
      padding: wide > 30 ? '' : 0, background: colour(group) })
    one.onmouseenter = () => { by('about').textContent =
      name + '  ' + at + '  [' + group + ']   self ' + ms(self) + ' (' + share(self) + ')   total ' + ms(total) + ' (' + share(total) + ')' }
    one.onclick = () => { path = way; draw() }
    deepest = Math.max(deepest, depth)
  }
  const below = (flame, way, depth, left, wide) => {
    bar(flame, way, depth, left, wide, false)
    let at = left
    for (const called of flame[3]) {
      const part = wide * called[2] / flame[2]
      if (part >= 0.5) below(called, [...way, called], depth + 1, at, part)
      at += part
    }
  }
  const stack = [graph.root, ...path]
  stack.slice(0, -1).forEach((flame, depth) => bar(flame, path.slice(0, depth), depth, 0, width, true))
  below(stack.at(-1), path, stack.length - 1, 0, width)
  main.style.height = (deepest + 1) * 17 + 'px'
  // of a function that calls itself, the outermost counts
  const sum = flame => matches(flame[0]) ? flame[2] : flame[3].reduce((total, one) => total + sum(one), 0)
  by('found').textContent = word === '' ? '' : share(sum(graph.root))
  for (const button of by('graphs').children) button.setAttribute('aria-pressed', button.textContent === graph.title)
}

function drawGroups() {
  const times = {}
  const add = ([frame, self, , called]) => {
    const group = frames[frame][2]
    if (group !== 'root') times[group] = (times[group] ?? 0) + self
    called.forEach(add)
  }
  add(graph.root)
  by('groups').replaceChildren()
  for (const [group, us] of Object.entries(times).sort((a, b) => b[1] - a[1])) {
    if (us < graph.root[2] / 500) continue
    const one = element('button', { textContent: group + ' ' + share(us) }, by('groups'))
    one.style.borderColor = colour(group)
    one.onclick = () => { by('search').value = word = group; draw() }
  }
}

for (const one of graphs)
  element('button', { textContent: one.title, onclick: () => { graph = one; path = []; drawGroups(); draw() } }, by('graphs'))
by('search').oninput = event => { word = event.target.value.toLowerCase(); draw() }
const all = () => { path = []; by('search').value = word = ''; draw() }
by('reset').onclick = all
addEventListener('keydown', event => { if (event.key === 'Escape') all() })
addEventListener('resize', draw)
drawGroups()
draw()
`
