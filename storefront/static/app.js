// The page: what is shown when, and what happens next.

import { categories, oneItem, Problem, searchPhoto, similarItems, someItems, TOP_K } from "./api.js";
import { card, waitingCards } from "./cards.js";
import { chosenFilters, clearFilters, countOf, isContradiction, offerCategories, onFilters, Source } from "./filters.js";
import { drawGarments, markChosen } from "./outlines.js";
import { NotAPhoto, pictureAmong, prepare } from "./photo.js";
import { kind, other, switchLanguage, t, translate } from "./texts.js";

const PAGE = 12;
const BROWSED = 48;
const SHOP = document.title;
const MOST_BYTES = Number(document.body.dataset.maxPhotoBytes);
const at = (id) => document.getElementById(id);

const shop = new Source(browse, 0);
const state = {
  view: "start", // or "photo", or "item"
  photo: null,
  results: [],
  chosen: 0,
  item: null,
  sources: [], // of the matches, for each garment
  source: shop, // of the list; null while a photo has no matches: its search runs, or failed
  list: null, // not known: it is waited for, or did not come
  shown: PAGE,
  kinds: [],
  retry: null,
};
let taken = 0; // photos: while one is opened, a later one makes it void
let searching = null; // stops the search that runs
let turn = 0; // of filling the list: a later one makes an earlier one void

// ---------------------------------------------------------------- a photo comes

async function take(file) {
  if (!file) return;
  const mine = ++taken;
  hideNotice();
  say(t("reading"));
  try {
    const photo = await prepare(file);
    if (photo.size > MOST_BYTES) throw new Problem(413, "BODY_TOO_LARGE");
    if (mine === taken) await search(photo);
  } catch (error) {
    if (error.name !== "AbortError") complain(error, () => take(file));
  }
}

async function search(photo) {
  let results;
  searching?.abort();
  searching = new AbortController();
  const { signal } = searching;
  showPhoto(photo);
  try {
    results = await searchPhoto(photo, {}, signal);
    await receive(photo, results);
  } finally {
    if (!signal.aborted) at("photo").classList.remove("busy");
  }
  if (signal.aborted) return;
  const found = results.filter((one) => one.garment);
  const garments = found.filter((one) => !one.garment.alternative).length || found.length;
  say(t(garments ? "found" : "foundWhole", resultText(), garments));
  at("heading").focus({ preventScroll: wide() });
}

function leaveSearch() {
  searching?.abort();
  at("photo").classList.remove("busy");
  say("");
}

function showPhoto(photo) {
  turn++;
  Object.assign(state, { photo, results: [], chosen: 0, item: null, sources: [], source: null, list: null });
  URL.revokeObjectURL(at("picture").src);
  at("picture").src = URL.createObjectURL(photo);
  at("photo").classList.add("busy");
  at("whole").hidden = true;
  at("filters").open ||= wide();
  drawGarments([], 0, choose);
  if (history.state?.view !== "photo") history.pushState({ view: "photo" }, "");
  enter("photo");
  wait();
  say(t("searching"));
  window.scrollTo({ top: 0 });
}

async function receive(photo, results) {
  const filtered = new Map(); // one upload serves all garments
  const again = (filters) => {
    const key = JSON.stringify(filters);
    if (!filtered.has(key)) {
      const asked = searchPhoto(photo, filters);
      asked.catch(() => filtered.delete(key));
      filtered.set(key, asked);
    }
    return filtered.get(key);
  };
  state.results = results;
  state.sources = results.map(
    (result, number) =>
      new Source(
        async (filters) => (countOf(filters) ? (await again(filters))[number].matches : result.matches),
        TOP_K,
        (match) => match.item,
      ),
  );
  at("whole").hidden = results.some((result) => result.garment);
  drawGarments(state.results, 0, choose);
  await choose(0, { quietly: true });
}

async function choose(number, { quietly = false } = {}) {
  state.chosen = number;
  if (state.view === "item") history.pushState({ view: "photo" }, "");
  enter("photo");
  await show(state.sources[number]);
  if (!quietly) say(`${headingText()}. ${resultText()}`);
}

// ---------------------------------------------------------------- one item, and what is like it

async function showItem(item, { push = true } = {}) {
  if (push) history.pushState({ view: "item", id: item.id }, "");
  state.item = item;
  enter("item");
  await show(new Source((filters) => similarItems(item.id, filters), TOP_K, (match) => match.item));
  say(`${headingText()}. ${resultText()}`);
  at("heading").focus({ preventScroll: true });
  at("found").scrollIntoView({ block: "start", behavior: "instant" });
}

async function arrive({ state: step }) {
  hideNotice();
  leaveSearch();
  try {
    if (step?.view === "item") {
      await showItem(state.item?.id === step.id ? state.item : await oneItem(step.id), { push: false });
    } else if (step?.view !== "photo" || !state.photo) {
      state.item = null;
      enter("start");
      await show(shop);
    } else if (state.sources.length) {
      state.item = null;
      enter("photo");
      await show(state.sources[state.chosen]);
    } else {
      await search(state.photo); // it was left before it came, or failed
    }
  } catch (error) {
    if (error.name !== "AbortError") complain(error, () => arrive({ state: step }));
  }
}

// ---------------------------------------------------------------- the list

async function show(source) {
  state.source = source;
  state.shown = PAGE;
  await fill();
}

async function fill() {
  const filters = chosenFilters();
  at("filtered").textContent = countOf(filters) || "";
  at("filtered").hidden = !countOf(filters);
  at("clear").hidden = !countOf(filters);
  if (!state.source) return; // what is said of the photo stays
  const mine = ++turn;
  const late = setTimeout(() => mine === turn && wait(), 120); // what is here already comes without a flicker
  hideNotice();
  try {
    const list = isContradiction(filters) ? [] : await state.source.matching(filters);
    if (mine !== turn) return;
    state.list = list;
    drawList();
  } catch (error) {
    if (mine !== turn) return;
    state.list = null;
    drawList();
    complain(error, fill);
  } finally {
    clearTimeout(late);
  }
}

function drawList() {
  const list = state.list ?? [];
  const items = list.slice(0, state.shown).map((one) => one.item ?? one);
  at("found").removeAttribute("aria-busy");
  at("cards").replaceChildren(...items.map((item) => card(item, showItem)));
  at("more").hidden = list.length <= state.shown;
  at("empty").hidden = state.list?.length !== 0;
  at("empty-clear").hidden = !countOf(chosenFilters());
  drawWords();
}

function wait() {
  at("found").setAttribute("aria-busy", "true");
  at("cards").replaceChildren(...waitingCards(state.view === "start" ? PAGE : 8));
  at("empty").hidden = true;
  at("more").hidden = true;
  drawWords();
  at("count").textContent = t(at("photo").classList.contains("busy") ? "searching" : "loading");
}

function more() {
  const first = state.shown;
  state.shown += PAGE;
  drawList();
  at("cards").children[first]?.querySelector("a, button").focus();
}

/** Some of each kind that the first page has room for, in turns, then others: the shop lists its items by their ids. */
async function browse(filters) {
  const kinds = filters.category ? [] : state.kinds.slice(0, PAGE);
  const each = Math.ceil(BROWSED / Math.max(kinds.length, 1));
  const [others, ...lists] = await Promise.all([
    someItems(filters, BROWSED),
    ...kinds.map((category) => someItems({ ...filters, category }, each)),
  ]);
  const turns = Array.from({ length: each }, (_, number) => lists.flatMap((list) => list.slice(number, number + 1)));
  const items = new Map([...turns.flat(), ...others].map((item) => [item.id, item]));
  return [...items.values()].slice(0, BROWSED);
}

// ---------------------------------------------------------------- words

function enter(view) {
  state.view = view;
  document.body.dataset.view = view;
  markChosen(state.results, view === "item" ? -1 : state.chosen);
  at("photo").hidden = !(view === "photo" || (view === "item" && state.photo));
  document.querySelector(".start").hidden = view !== "start";
  at("back").hidden = view !== "item";
  at("like").hidden = view !== "item";
  if (view === "item") at("like").src = state.item.picture_url;
}

function headingText() {
  if (state.view === "start") return t("fromTheShop");
  if (state.view === "item") return t("likeItem", state.item.title ?? t("untitled"));
  const found = state.results[state.chosen];
  if (!found) return t("yourPhoto");
  return found.garment ? t("like", kind(found.garment.category)) : t("likeWhole");
}

function countText() {
  return state.view === "start" || !state.list?.length ? "" : t("nearest", state.list.length);
}

function emptyText() {
  const filters = chosenFilters();
  if (isContradiction(filters)) return t("badRange");
  if (countOf(filters)) return t("nothingFiltered");
  return t(state.view === "start" ? "nothingInShop" : "nothing");
}

/** For those who do not see the cards. */
function resultText() {
  if (!state.list) return "";
  if (!state.list.length) return emptyText();
  return t(state.view === "start" ? "pieces" : "nearest", state.list.length);
}

function drawWords() {
  at("heading").textContent = headingText();
  document.title = state.view === "start" ? SHOP : `${headingText()} · ${SHOP}`;
  at("count").textContent = countText();
  at("back").textContent = `← ${t("back", t(state.photo ? "backToPhoto" : "backToShop"))}`;
  at("empty-text").textContent = emptyText();
}

function drawLanguage() {
  translate();
  at("language").textContent = t("other");
  at("language").lang = other();
  offerCategories(state.kinds);
  drawGarments(state.results, state.chosen, choose);
  if (at("found").hasAttribute("aria-busy")) wait();
  else drawList();
}

function say(text) {
  at("status").textContent = text;
}

function complain(error, retry) {
  const text = explain(error);
  const hopeless = error instanceof NotAPhoto || [404, 413, 422].includes(error.status);
  state.retry = retry;
  say("");
  if (!state.source && !at("photo").classList.contains("busy")) drawList();
  at("notice-text").textContent = text;
  at("notice-choose").hidden = !hopeless;
  at("retry").hidden = hopeless;
  at("notice").hidden = false;
  at(hopeless ? "notice-choose" : "retry").focus();
  if (!(error instanceof Problem || error instanceof NotAPhoto)) throw error;
}

function explain(error) {
  if (error instanceof NotAPhoto || error.reason === "INVALID_IMAGE") return t("notPhoto");
  if (!(error instanceof Problem)) return t("wrong");
  if (error.status === 0) return t("offline");
  if (error.status === 404) return t("gone");
  if (error.status === 413) return t("tooLarge");
  if (error.status === 429) return t("tooOften", Math.ceil(error.seconds) || 1);
  return t([502, 503, 504].includes(error.status) ? "away" : "wrong");
}

function hideNotice() {
  at("notice").hidden = true;
}

const wide = () => matchMedia("(min-width: 60rem)").matches;

// ---------------------------------------------------------------- what a shopper does

for (const id of ["choose", "another", "notice-choose"]) at(id).addEventListener("click", () => at("file").click());
at("take").addEventListener("click", () => at("camera").click());
for (const id of ["file", "camera"]) {
  at(id).addEventListener("change", ({ target }) => {
    take(target.files[0]);
    target.value = ""; // so that the same one can be chosen again
  });
}
document.addEventListener("paste", (event) => take(pictureAmong(event.clipboardData)));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.toggle("dropped-on", event.dataTransfer.types.includes("Files"));
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropped-on");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropped-on");
  take(pictureAmong(event.dataTransfer));
});
at("retry").addEventListener("click", () => {
  hideNotice();
  state.retry?.();
});
at("back").addEventListener("click", () => history.back());
at("more").addEventListener("click", more);
at("empty-clear").addEventListener("click", () => {
  clearFilters();
  at("heading").focus();
});
at("language").addEventListener("click", () => {
  switchLanguage();
  drawLanguage();
});
at("like").addEventListener("error", () => {
  at("like").hidden = true;
});
window.addEventListener("popstate", arrive);
onFilters(async () => {
  state.shown = PAGE;
  await fill();
  if (state.list) say(resultText());
});

drawLanguage();
history.replaceState(null, "");
wait();
state.kinds = Object.keys(await categories().catch(() => ({}))).filter(Boolean); // items may have none
offerCategories(state.kinds);
if (state.view === "start") await show(shop);
