// The shop's HTTP API.

export const TOP_K = 60;
const COLLECTION = document.body.dataset.collection;

/** An answer that is no result. `reason` is a fixed word, `seconds` when to come again. */
export class Problem extends Error {
  constructor(status, reason, seconds = 0) {
    super(reason);
    this.status = status;
    this.reason = reason;
    this.seconds = seconds;
  }
}

export async function searchPhoto(photo, filters, signal) {
  const answer = await call(`/v1/search?${query(filters, { top_k: TOP_K, alternatives: true })}`, {
    method: "POST",
    headers: { "Content-Type": photo.type },
    body: photo,
    signal,
  });
  return answer.results;
}

export async function similarItems(id, filters, signal) {
  const path = `/v1/items/${encodeURIComponent(id)}`;
  return (await call(`${path}/similar?${query(filters, { top_k: TOP_K })}`, { signal })).matches;
}

export function oneItem(id, signal) {
  return call(`/v1/items/${encodeURIComponent(id)}?${query({}, {})}`, { signal });
}

export async function someItems(filters, count, signal) {
  return (await call(`/v1/items?${query(filters, { page_size: count })}`, { signal })).items;
}

/** How many items there are of each category. */
export async function categories() {
  const { collections } = await call("/v1/collections", {});
  const own = collections.find((one) => one.name === COLLECTION || one.aliases.includes(COLLECTION));
  return own?.items_by_category ?? {};
}

function query(filters, rest) {
  const parameters = new URLSearchParams({ collection: COLLECTION, ...rest });
  if (filters.category) parameters.append("category", filters.category);
  for (const gender of filters.genders ?? []) parameters.append("gender", gender);
  if (filters.priceMin != null) parameters.append("price_min", filters.priceMin);
  if (filters.priceMax != null) parameters.append("price_max", filters.priceMax);
  if (filters.inStock) parameters.append("in_stock", "true");
  return parameters;
}

async function call(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "OFFLINE");
  }
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new Problem(response.status, problem.reason ?? "UNKNOWN", problem.retry_after_s);
}
