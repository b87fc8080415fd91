// Copyright (c) 2026, the aritma.iam contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";

// The page is whole without this: here it only learns to sort, to filter and to copy what it already shows.
(() => {
  const LANES = 20; // of the timeline, before a button shows the others
  const byId = (id) => document.getElementById(id);
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const body = byId("rows");
  const find = byId("find");
  const sort = byId("sort");
  const more = byId("more");
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const selects = all("select[data-filter]");
  const chosen = new Set();
  let everyLane = false;

  const columns = all("thead th").map((head, index) => ({ head, index, key: head.dataset.key })).filter(({ key }) => key);
  const rows = Array.from(body.rows, (row) => ({
    row,
    client: row.dataset.client,
    text: row.textContent.toLowerCase(),
    keys: Object.fromEntries(columns.map(({ key, index }) => [key, keyOf(row.dataset[key], row.cells[index])])),
  }));
  const lanes = new Map(all(".lanes .lane").map((lane) => [lane.dataset.client, lane]));

  // A number where the row has one, null where it is not known, else the text of the cell.
  function keyOf(number, cell) {
    if (number === "") return null;
    return Number.isNaN(Number(number ?? NaN)) ? cell.textContent.trim() : Number(number);
  }

  function button(text, action) {
    const made = document.createElement("button");
    made.type = "button";
    made.append(...[text].flat());
    made.addEventListener("click", () => action(made));
    return made;
  }

  const tiles = all(".states li").map((item) => {
    const tile = button(Array.from(item.childNodes), () => {
      const state = item.dataset.state;
      if (!chosen.delete(state)) chosen.add(state);
      tile.setAttribute("aria-pressed", String(chosen.has(state)));
      filter();
    });
    tile.setAttribute("aria-pressed", "false");
    tile.disabled = !rows.some(({ row }) => row.dataset.state === item.dataset.state);
    item.append(tile);
    return tile;
  });
  for (const { head, key } of columns) {
    sort.append(new Option(head.textContent, key));
    head.append(button(Array.from(head.childNodes), () => {
      arrange(key, head.getAttribute("aria-sort") === "ascending" ? -1 : 1);
    }));
  }
  for (const code of all(".command code")) {
    const copy = button("Copy", () => {
      getSelection().selectAllChildren(code);
      navigator.clipboard?.writeText(code.textContent).then(
        () => {
          copy.textContent = "Copied";
          setTimeout(() => (copy.textContent = "Copy"), 2000);
        },
        () => {}, // it is selected: Ctrl+C does it
      );
    });
    code.after(copy);
  }

  // What is not known stands at the end, whichever way.
  function compare(one, other, key, direction) {
    const [left, right] = [one.keys[key], other.keys[key]];
    if (left === null || right === null) return (left === null) - (right === null);
    return direction * (typeof left === "number" ? left - right : order.compare(left, right));
  }

  function arrange(key, direction) {
    rows.sort((one, other) => compare(one, other, key, direction) || one.keys.rank - other.keys.rank);
    body.append(...rows.map(({ row }) => row));
    for (const column of columns) {
      column.head.removeAttribute("aria-sort");
      if (column.key === key) column.head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    }
    sort.value = key;
    filter();
  }

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { row, text } of rows) {
      row.hidden = !(
        (chosen.size === 0 || chosen.has(row.dataset.state)) &&
        selects.every(({ value, dataset }) => value === "" || row.dataset[dataset.filter] === value) &&
        words.every((word) => text.includes(word))
      );
    }
    const shown = rows.filter(({ row }) => !row.hidden);
    const output = byId("shown");
    output.textContent = `${shown.length} of ${rows.length} ${output.dataset.what}`;
    byId("none").hidden = shown.length > 0 || rows.length === 0;
    byId("reset").disabled = shown.length === rows.length && chosen.size === 0;
    if (more) follow(new Set(shown.map(({ client }) => client)));
  }

  // The timeline has the clients of the table, in its order.
  function follow(clients) {
    for (const lane of lanes.values()) lane.hidden = true;
    const list = document.querySelector(".lanes");
    let place = 0;
    for (const client of clients) {
      const lane = lanes.get(client);
      lane.hidden = false;
      lane.classList.toggle("beyond", !everyLane && place >= LANES);
      list.append(lane);
      place += 1;
    }
    more.hidden = everyLane || place <= LANES;
    more.firstElementChild.textContent = `Show all ${place} clients (${place - LANES} more)`;
  }

  function reset() {
    chosen.clear();
    for (const tile of tiles) tile.setAttribute("aria-pressed", "false");
    for (const select of selects) select.value = "";
    find.value = "";
    filter();
  }

  find.addEventListener("input", filter);
  for (const select of selects) select.addEventListener("change", filter);
  sort.addEventListener("change", () => arrange(sort.value, 1));
  byId("reset").addEventListener("click", reset);
  byId("again").addEventListener("click", reset);
  more?.firstElementChild.addEventListener("click", () => {
    everyLane = true;
    filter();
  });
  const controls = byId("controls");
  controls.hidden = false;
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--top", `${controls.offsetHeight}px`);
  }).observe(controls);
  filter();
})();
