// Items as cards.

import { kind, money, t } from "./texts.js";

/** `more(item)` is called when somebody wants more like it. */
export function card(item, more) {
  const made = element("li", "card");
  const title = item.title ?? t("untitled");
  const link = item.url ? element("a", "to") : element("div", "to");
  if (item.url) {
    link.href = item.url;
    link.target = "_blank";
    link.rel = "noopener";
  }
  link.append(picture(item), element("span", "title", title));
  if (item.url) link.append(element("span", "unseen", ` (${t("newTab")})`));
  const button = element("button", "like", t("moreLikeThis"));
  button.type = "button";
  button.setAttribute("aria-label", t("moreLike", title));
  button.addEventListener("click", () => more(item));
  made.append(link, prices(item), button);
  return made;
}

export function waitingCards(count) {
  return Array.from({ length: count }, () => {
    const made = element("li", "card waiting");
    made.append(element("div", "picture"), element("span", "title"), element("p", "prices"));
    made.setAttribute("aria-hidden", "true");
    return made;
  });
}

function picture(item) {
  const frame = element("div", "picture");
  const image = element("img");
  const sources = [item.picture_url, item.image_url].filter(Boolean);
  const next = () => {
    const source = sources.shift();
    if (source) image.src = source;
    else image.replaceWith(element("span", "letter", (item.category ? kind(item.category) : "?").charAt(0)));
  };
  image.alt = "";
  image.loading = "lazy";
  image.addEventListener("error", next);
  next();
  frame.append(image);
  if (item.in_stock === false) frame.append(element("span", "tag", t("soldOut")));
  return frame;
}

function prices(item) {
  const line = element("p", "prices");
  const sale = item.sale_price;
  if (sale != null) line.append(labelled("ins", "salePrice", sale, item.currency));
  if (item.price != null && (sale == null || item.price > sale)) {
    line.append(sale == null ? element("span", "", money(item.price, item.currency)) : " ");
    if (sale != null) line.append(labelled("del", "originalPrice", item.price, item.currency));
  }
  return line;
}

function labelled(tag, key, amount, currency) {
  const made = element(tag);
  made.append(element("span", "unseen", `${t(key)} `), money(amount, currency));
  return made;
}

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}
