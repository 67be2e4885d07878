"""How the page looks, in light and in dark."""

CSS = """
:root {
  color-scheme: light dark;
  --paper: #faf9f7; --card: #fff; --ink: #1d1c1a; --soft: #6b6760; --line: #e6e2db; --sale: #b3261e; --good: #1b7f4b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161514; --card: #211f1e; --ink: #f0ece6; --soft: #a39d94; --line: #35322f; --sale: #ff8a80;
    --good: #6fd6a0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 84rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
body > header { margin-bottom: 2.5rem; }
h1 { margin: 0 0 .35rem; font-size: clamp(1.6rem, 3vw, 2.2rem); line-height: 1.15; letter-spacing: -.02em; }
header p { margin: 0; color: var(--soft); max-width: 46rem; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }
a:hover { text-decoration-color: currentColor; }

.search {
  display: grid; grid-template-columns: minmax(14rem, 20rem) minmax(0, 1fr); gap: 1.5rem 2.25rem; align-items: start;
  padding: 2rem 0; border-top: 1px solid var(--line);
}
.photo { position: sticky; top: 1.5rem; margin: 0; }
.photo .frame { position: relative; overflow: hidden; border-radius: .75rem; background: var(--card); line-height: 0; }
.photo img { display: block; width: 100%; height: auto; }
.photo svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.photo path {
  fill: var(--hue); fill-opacity: .12; stroke: var(--hue); stroke-width: 2.5px; stroke-linejoin: round;
  vector-effect: non-scaling-stroke; transition: fill-opacity .15s;
}
.photo path.alternative { fill-opacity: 0; stroke-dasharray: 6 5; }
.photo path:hover { fill-opacity: .4; }
.pin {
  display: inline-grid; place-items: center; width: 1.55rem; height: 1.55rem; border-radius: 50%;
  background: var(--hue); color: #fff; font: 700 .8rem/1 system-ui, sans-serif; flex: none;
}
.photo .pin {
  position: absolute; transform: translate(-50%, -50%); box-shadow: 0 0 0 2px #fff, 0 1px 6px #0006;
  pointer-events: none;
}
figcaption { margin-top: .6rem; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
figcaption strong { color: var(--ink); font-weight: 600; }

.garment + .garment { margin-top: 2rem; }
.garment header { display: flex; align-items: center; gap: .8rem; margin: 0 0 .9rem; }
.garment h2 {
  display: flex; flex-wrap: wrap; align-items: center; gap: .1rem .55rem; margin: 0; font-size: 1.15rem;
  line-height: 1.3;
}
.garment h2 .name::first-letter { text-transform: uppercase; }
.garment header p { margin: .1rem 0 0; font-size: .85rem; }
.cutout {
  flex: none; margin: 0; padding: .25rem; border: 2px solid var(--hue); border-radius: .6rem; background: #fff;
  line-height: 0;
}
.cutout img { width: 4.25rem; height: 4.25rem; object-fit: contain; }
.matches {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(7.2rem, 1fr)); gap: .8rem; margin: 0; padding: 0;
  list-style: none;
}
.match {
  display: flex; flex-direction: column; overflow: hidden; max-width: 13rem;
  border: 1px solid var(--line); border-radius: .6rem; background: var(--card);
}
.match.expected { border-color: var(--good); box-shadow: 0 0 0 1px var(--good); }
.picture { position: relative; background: #fff; line-height: 0; }
.picture img, .picture .none { width: 100%; aspect-ratio: 4 / 5; object-fit: cover; }
.picture .none {
  display: grid; place-items: center; background: #eee9e1; color: #8a8378; font: 600 2rem/1 system-ui, sans-serif;
}
.badge {
  position: absolute; left: .35rem; top: .35rem; max-width: calc(100% - .7rem);
  padding: .12rem .45rem; border-radius: .7rem;
  background: var(--good); color: var(--card); font: 600 .72rem/1.4 system-ui, sans-serif;
}
.text {
  display: flex; flex-direction: column; flex: 1; gap: .15rem; padding: .5rem .65rem .6rem; font-size: .85rem;
}
.title {
  display: -webkit-box; overflow: hidden; -webkit-box-orient: vertical; -webkit-line-clamp: 4;
  font-weight: 550; line-height: 1.3; overflow-wrap: anywhere;
}
.kind, .distance { color: var(--soft); font-size: .8rem; }
.price { display: flex; flex-wrap: wrap; gap: 0 .4em; margin-top: auto; padding-top: .25rem; }
.price del { color: var(--soft); }
.price ins { color: var(--sale); font-weight: 600; text-decoration: none; }
.distance { font-variant-numeric: tabular-nums; }
.note {
  margin: 0 0 1rem; padding: .6rem .9rem; border-left: 3px solid #c98a00; border-radius: .2rem;
  background: var(--card);
}
.nothing { color: var(--soft); }
footer { padding-top: 1.5rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }

@media (max-width: 52rem) {
  .search { grid-template-columns: minmax(0, 1fr); }
  .photo { position: static; max-width: 26rem; }
}
@media (max-width: 34rem) {
  .matches { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media print { .search { break-inside: avoid; } .photo { position: static; } }
"""
