// Copyright (c) 2026, the aritma.iam contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";

// Draws the diagrams of a page as SVG in its theme, light or dark, and again when the theme changes.
document.addEventListener("DOMContentLoaded", () => {
  const night = matchMedia("(prefers-color-scheme: dark)");
  const diagrams = Array.from(document.querySelectorAll("pre.mermaid"), (element) => [element, element.textContent]);
  const dark = () => {
    const chosen = document.body.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && night.matches);
  };
  const draw = async () => {
    mermaid.initialize({ startOnLoad: false, securityLevel: "strict", theme: dark() ? "dark" : "default" });
    for (const [element, source] of diagrams) {
      element.textContent = source;
      element.removeAttribute("data-processed");
    }
    await mermaid.run({ nodes: diagrams.map(([element]) => element) });
  };
  draw();
  night.addEventListener("change", draw);
  new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });
});
