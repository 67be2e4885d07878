"""What the page of an evaluation adds to ``style``."""

CSS = """
.block { padding: 1.75rem 0; border-top: 1px solid var(--line); }
.block > h2 { margin: 0 0 1rem; font-size: 1.3rem; line-height: 1.25; letter-spacing: -.01em; }
.scroll { overflow-x: auto; }
.soft, .caption { color: var(--soft); }
.caption { margin: .75rem 0 0; font-size: .875rem; max-width: 46rem; }

.figures { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem; }
.figures th, .figures td {
  padding: .45rem 1.4rem .45rem 0; text-align: right; vertical-align: top; white-space: nowrap; font-weight: 400;
}
.figures th:first-child { text-align: left; }
.figures tbody th { font-weight: 600; }
.figures thead th.drawn { padding-left: 0; text-align: left; }
.figures thead th { color: var(--soft); font-size: .85rem; }
.figures tbody tr { border-top: 1px solid var(--line); }
.figures .interval { display: block; font-size: .8rem; }
.figures .real { font-weight: 650; }
.figures .real .interval { font-weight: 400; }
.drawn div {
  position: relative; width: 10rem; height: .5rem; margin-top: .5rem; border-radius: .25rem; background: var(--line);
}
.drawn i { position: absolute; top: 0; bottom: 0; }
.drawn .reach { min-width: 2px; border-radius: .25rem; background: var(--good); opacity: .45; }
.drawn .dot {
  top: -.15rem; bottom: -.15rem; width: 3px; margin-left: -1.5px; border-radius: 2px; background: var(--good);
}
.drawn .zero { left: 50%; top: -.3rem; bottom: -.3rem; width: 1px; background: var(--soft); }

.query { grid-template-columns: minmax(9rem, 13rem) minmax(0, 1fr); padding: 1.5rem 0; }
.query:first-of-type { border-top: 0; padding-top: .25rem; }
.query .photo { position: static; }
.query .photo > .none {
  display: grid; place-items: center; aspect-ratio: 3 / 4; padding: 1rem; border-radius: .75rem;
  background: var(--card); color: var(--soft); text-align: center; font-size: .85rem;
}
.query h3 { margin: 0; font-size: 1.1rem; line-height: 1.3; }
.query h3::first-letter { text-transform: uppercase; }
.query .facts { margin: .15rem 0 .9rem; color: var(--soft); font-size: .875rem; }
.query header p { font-size: .9rem; }
.query .match.right { border-color: var(--good); box-shadow: 0 0 0 1px var(--good); }
.query .match.wrong { border-color: var(--sale); }
.badge.wrong { background: var(--sale); }
.id { color: var(--soft); font-size: .75rem; overflow-wrap: anywhere; }
.sought { display: flex; flex-wrap: wrap; gap: .9rem 1.6rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.sought li { display: flex; gap: .7rem; align-items: center; min-width: 0; }
.sought li > div:last-child { display: flex; flex-direction: column; min-width: 0; font-size: .875rem; }
.sought .picture { flex: none; width: 4.25rem; border-radius: .5rem; overflow: hidden; }
footer p { margin: 0 0 .5rem; max-width: 60rem; }

@media (max-width: 52rem) {
  .query { grid-template-columns: minmax(0, 1fr); gap: .9rem; }
  .query .photo { max-width: 13rem; }
}
@media (max-width: 34rem) {
  .drawn { display: none; }
  .figures { font-size: .8rem; }
  .figures th, .figures td { padding-right: .5rem; }
  .figures thead th { font-size: .72rem; }
  .figures tbody th, .figures td.soft { white-space: normal; }
  .figures .interval {
    width: min-content; margin-left: auto; font-size: .68rem; line-height: 1.3; white-space: normal;
  }
}
"""
