// What a shopper wants to see of what was found.

import { kind, t } from "./texts.js";

const form = document.getElementById("filter-form");
const ENOUGH = 12;

/** What the form says now. Women's and men's clothes include those for both. */
export function chosenFilters() {
  const amount = (name) => (form.elements[name].value === "" ? null : Math.max(0, Number(form.elements[name].value)));
  const gender = form.elements.gender.value;
  return {
    category: form.elements.category.value || null,
    genders: gender ? [gender, "unisex"] : [],
    priceMin: amount("price_min"),
    priceMax: amount("price_max"),
    inStock: form.elements.in_stock.checked,
  };
}

export function countOf({ category, genders = [], priceMin, priceMax, inStock }) {
  return [category, genders.length, priceMin != null || priceMax != null, inStock].filter(Boolean).length;
}

export function isContradiction({ priceMin, priceMax }) {
  return priceMin != null && priceMax != null && priceMin > priceMax;
}

/** Offers the categories of the shop, in the order of their names. */
export function offerCategories(categories) {
  const select = form.elements.category;
  const before = select.value;
  const named = categories.map((category) => [category, kind(category)]);
  named.sort(([, a], [, b]) => a.localeCompare(b, document.documentElement.lang));
  select.replaceChildren(new Option(t("allCategories"), ""), ...named.map(([value, name]) => new Option(name, value)));
  select.value = before;
}

export function onFilters(changed) {
  let soon;
  form.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(changed, 250);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed)); // the fields are empty only after the event
}

export const clearFilters = () => form.reset();

/**
 * Items by filter, asking the shop no more than needed. `load(filters)` gives at most `most` of them; `item(one)` is
 * what the filters look at.
 */
export class Source {
  constructor(load, most, item = (one) => one) {
    this.load = load;
    this.most = most;
    this.item = item;
    this.loaded = new Map();
  }

  /** What is here already is filtered here; the shop is asked only where that leaves few and it has more. */
  async matching(filters) {
    const all = await this.from({});
    if (!countOf(filters)) return all;
    const kept = all.filter((one) => meets(this.item(one), filters));
    return kept.length >= ENOUGH || all.length < this.most ? kept : this.from(filters);
  }

  from(filters) {
    const key = JSON.stringify(filters);
    if (!this.loaded.has(key)) {
      const loading = this.load(filters);
      loading.catch(() => this.loaded.delete(key)); // to be tried again
      this.loaded.set(key, loading);
    }
    return this.loaded.get(key);
  }
}

function meets(item, { category, genders, priceMin, priceMax, inStock }) {
  const price = item.sale_price ?? item.price;
  return (
    (!category || item.category === category) &&
    (!genders.length || genders.includes(item.gender)) &&
    (priceMin == null || (price != null && price >= priceMin)) &&
    (priceMax == null || (price != null && price <= priceMax)) &&
    (!inStock || item.in_stock === true)
  );
}
