// The garments of a photo: outlined on it, and as buttons below it.

import { kind, t } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const PIN = 70; // thousandths of the photo's sides: nearer pins would hide each other
const outlines = document.getElementById("outlines");
const pins = document.getElementById("pins");
const buttons = document.getElementById("garments");

/**
 * Draws them, with one chosen. `choose(number)` is called when another one is. Alternatives lie inside other garments:
 * they are seen only where they are chosen or pointed at.
 */
export function drawGarments(results, chosen, choose) {
  const places = [];
  outlines.replaceChildren();
  pins.replaceChildren();
  buttons.replaceChildren();
  const garments = results.map((result) => result.garment).filter(Boolean);
  buttons.hidden = !garments.length;
  if (!garments.length) return;
  outlines.append(shape("shade", ""));
  garments.forEach((garment, number) => {
    const area = shape(garment.alternative ? "area alternative" : "area", garment.outline ? pathOf(garment.outline) : "");
    area.addEventListener("click", () => choose(number));
    outlines.append(area);
    if (garment.outline && !garment.alternative) pins.append(pin(number, garment.outline.center, places));
    buttons.append(button(garment, number, choose));
  });
  markChosen(results, chosen);
}

export function markChosen(results, chosen) {
  const outline = results[chosen]?.garment?.outline;
  const shade = outlines.querySelector(".shade");
  if (shade) shade.setAttribute("d", outline ? `M0 0H1000V1000H0Z${pathOf(outline)}` : "");
  outlines.querySelectorAll(".area").forEach((area, number) => area.classList.toggle("chosen", number === chosen));
  for (const pin of pins.children) pin.classList.toggle("chosen", pin.textContent === String(chosen + 1));
  [...buttons.children].forEach((one, number) => one.setAttribute("aria-pressed", number === chosen));
}

function garmentName(garment) {
  const name = kind(garment.category);
  return garment.alternative ? t("perhaps", name) : name;
}

function button(garment, number, choose) {
  const made = document.createElement("button");
  made.type = "button";
  if (!garment.alternative) {
    const index = document.createElement("span");
    index.className = "number";
    index.textContent = number + 1;
    made.append(index, " ");
  }
  made.append(garmentName(garment));
  made.addEventListener("click", () => choose(number));
  for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) {
    made.addEventListener(event, () => outlines.querySelectorAll(".area")[number]?.classList.toggle("pointed", on));
  }
  return made;
}

function pin(number, center, places) {
  const made = document.createElement("span");
  const [x, y] = placeFor(center, places);
  made.className = "pin";
  made.textContent = number + 1;
  made.style.left = `${x * 100}%`;
  made.style.top = `${y * 100}%`;
  return made;
}

function placeFor([x, y], places) {
  const near = PIN / 1000;
  const taken = () => places.some(([a, b]) => Math.abs(a - x) < near && Math.abs(b - y) < near);
  while (taken() && y < 1) y += near;
  const place = [Math.min(0.97, Math.max(0.03, x)), Math.min(0.97, Math.max(0.03, y))];
  places.push([x, y]);
  return place;
}

function shape(name, path) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("class", name);
  made.setAttribute("fill-rule", "evenodd");
  made.setAttribute("d", path);
  return made;
}

function pathOf({ polygons }) {
  const place = ([x, y]) => `${(x * 1000).toFixed(1)} ${(y * 1000).toFixed(1)}`;
  return polygons.map((polygon) => `M${polygon.map(place).join("L")}Z`).join("");
}
