// Copyright (c) 2026, the aritma.iam contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";

// The page is whole without this: here it only learns to sort and to filter what it already shows.
(() => {
  const byId = (id) => document.getElementById(id);
  const body = byId("secrets");
  const find = byId("find");
  const manager = byId("manager");
  const sort = byId("sort");
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const chosen = new Set();

  const rows = Array.from(body.rows, (row) => ({
    row,
    client: row.dataset.client,
    text: row.textContent.toLowerCase(),
    keys: {
      rank: Number(row.dataset.rank),
      client: row.cells[1].textContent,
      secret: row.cells[2].textContent,
      manager: row.cells[3].textContent,
      added: row.dataset.added === "" ? null : Number(row.dataset.added),
      end: row.dataset.end === "" ? null : Number(row.dataset.end),
    },
  }));
  const lanes = Array.from(document.querySelectorAll(".lanes .lane"));
  const tiles = Array.from(document.querySelectorAll(".states li"), (item) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.childNodes);
    button.setAttribute("aria-pressed", "false");
    item.append(button);
    button.addEventListener("click", () => {
      const state = item.dataset.state;
      if (!chosen.delete(state)) chosen.add(state);
      button.setAttribute("aria-pressed", String(chosen.has(state)));
      filter();
    });
    return button;
  });
  const heads = Array.from(document.querySelectorAll("thead th[data-key]"), (head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const option = document.createElement("option");
    option.value = head.dataset.key;
    option.textContent = button.textContent;
    sort.append(option);
    button.addEventListener("click", () => {
      arrange(head, head.getAttribute("aria-sort") === "ascending" ? -1 : 1);
    });
    return head;
  });

  // What is not known stands at the end, whichever way.
  function compare(one, other, key, direction) {
    const [left, right] = [one.keys[key], other.keys[key]];
    if (left === null || right === null) return (left === null) - (right === null);
    return direction * (typeof left === "number" ? left - right : order.compare(left, right));
  }

  function arrange(head, direction) {
    const key = head.dataset.key;
    rows.sort((one, other) => compare(one, other, key, direction) || one.keys.rank - other.keys.rank);
    body.append(...rows.map((each) => each.row));
    for (const each of heads) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    sort.value = key;
  }

  function filter() {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const clients = new Set();
    let shown = 0;
    for (const { row, client, text } of rows) {
      const fits =
        (chosen.size === 0 || chosen.has(row.dataset.state)) &&
        (manager.value === "" || row.dataset.manager === manager.value) &&
        words.every((word) => text.includes(word));
      row.hidden = !fits;
      if (fits) {
        shown += 1;
        clients.add(client);
      }
    }
    for (const lane of lanes) lane.hidden = !clients.has(lane.dataset.client);
    byId("shown").textContent = `${shown} of ${rows.length} secrets`;
    byId("none").hidden = shown > 0 || rows.length === 0;
  }

  function reset() {
    chosen.clear();
    for (const tile of tiles) tile.setAttribute("aria-pressed", "false");
    find.value = "";
    manager.value = "";
    filter();
  }

  find.addEventListener("input", filter);
  manager.addEventListener("change", filter);
  sort.addEventListener("change", () => arrange(heads.find((head) => head.dataset.key === sort.value), 1));
  byId("reset").addEventListener("click", reset);
  byId("again").addEventListener("click", reset);
  const controls = byId("controls");
  controls.hidden = false;
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--top", `${controls.offsetHeight}px`);
  }).observe(controls);
  filter();
})();
