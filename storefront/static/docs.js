// The description of the API, for people, made of /openapi.json.

const reference = document.getElementById("reference");
const api = await (await fetch("/openapi.json")).json();
document.getElementById("description").textContent = api.info.description.replaceAll("`", "");
for (const [path, operations] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(operations)) reference.append(section(method, path, operation));
}

function section(method, path, operation) {
  const made = element("section", "operation");
  made.append(element("h2", "", `${method.toUpperCase()} ${path}`), element("p", "", plain(operation.description)));
  if (operation.requestBody) {
    made.append(element("h3", "", "Body"), element("p", "", plain(operation.requestBody.description)));
    made.append(table(Object.keys(operation.requestBody.content).map((type) => [type, "", ""])));
  }
  if (operation.parameters) {
    made.append(element("h3", "", "Parameters"));
    made.append(table(operation.parameters.map((one) => [one.name, typeOf(one.schema), plain(one.description)])));
  }
  made.append(element("h3", "", "Answers"));
  made.append(table(Object.entries(operation.responses).map(([status, one]) => [status, "", plain(one.description)])));
  const example = exampleOf(operation.responses["200"].content?.["application/json"]?.schema);
  if (example !== undefined) {
    const shown = element("pre", "", JSON.stringify(example, null, 2));
    shown.tabIndex = 0; // so that it can be scrolled by keyboard
    made.append(element("h3", "", "Example"), shown);
  }
  return made;
}

function table(rows) {
  const made = element("table");
  for (const [name, type, description] of rows) {
    const row = made.insertRow();
    row.append(element("td", "", name), element("td", "type", type), element("td", "", description));
  }
  const frame = element("div", "scroll");
  frame.append(made);
  return frame;
}

function typeOf(schema) {
  const one = schema.anyOf?.find((each) => each.type !== "null") ?? schema;
  const of = one.type === "array" ? ` of ${one.items.enum?.join(" | ") ?? one.items.type}` : "";
  const least = one.minimum ?? "";
  const range = one.maximum === undefined ? "" : ` ${least}–${one.maximum}`;
  const preset = schema.default === undefined || schema.default === null || schema.default === "" ? "" : ` = ${JSON.stringify(schema.default)}`;
  return `${one.type}${of}${range}${preset}`;
}

function exampleOf(schema) {
  if (schema?.$ref) return exampleOf(resolve(schema.$ref));
  if (schema?.example !== undefined) return schema.example;
  if (schema?.type !== "object") return schema?.const ?? sample(schema);
  return Object.fromEntries(Object.entries(schema.properties).map(([name, of]) => [name, exampleOf(of)]));
}

function sample(schema) {
  if (schema?.type === "array") return [exampleOf(schema.items)];
  if (schema?.anyOf) return exampleOf(schema.anyOf[0]);
  return { string: "…", integer: 0, number: 0, boolean: true }[schema?.type];
}

function resolve(reference) {
  return reference.split("/").slice(1).reduce((at, name) => at[name], api);
}

function plain(text = "") {
  return text.replaceAll("`", "");
}

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}
