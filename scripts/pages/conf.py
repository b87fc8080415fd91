# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx settings of the documentation site: see scripts/docs."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import yaml
from docutils import nodes
from docutils.parsers.rst import Directive
from pygments.lexers.special import TextLexer
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))

project = f"{GALAXY['namespace']}.{GALAXY['name']}"
release = GALAXY["version"]
project_copyright = "the aritma.iam contributors"
html_title = project
html_theme = "furo"
html_copy_source = False
extensions = ["myst_parser", "sphinx_antsibull_ext"]
# Allow links to headings, as in the web view of the repository.
myst_heading_anchors = 4
nitpicky = True

# scripts/docs fills this folder. It adds Mermaid if npm is installed.
STATIC = ROOT / ".build" / "site" / "static"
DRAWN = (STATIC / "mermaid.min.js").is_file()
html_static_path = [str(STATIC)]
html_css_files = ["site.css"]
antsibull_ext_color_scheme = "none"
html_js_files = ["mermaid.min.js", "draw.js"] if DRAWN else []
myst_fence_as_directive = ["mermaid"] if DRAWN else []

# Pages of the documentation of Ansible that the reference links to. Without intersphinx, nothing is downloaded.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"
LABELS = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}

_BUILTIN = re.compile(r"ansible_collections\.ansible\.builtin\.(\w+)")
_CONTENTS = re.compile(r"^\.\. contents::\n(?: +:.*\n)*", re.MULTILINE)
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)(?=[)#])")


def link_to_repository(app: Sphinx, page: str, source: list[str]) -> None:
    """Turn links to files that are not pages into links to the repository.

    A link to a missing file stays unchanged, and Sphinx reports it.
    """
    folder = (ROOT / page).parent

    def target(match: re.Match[str]) -> str:
        file = (folder / match["path"]).resolve()
        if (Path(app.srcdir) / file.relative_to(ROOT)).exists() or not file.exists():
            return match["path"]
        return f"{GALAXY['repository']}/tree/main/{file.relative_to(ROOT)}"

    if app.env.doc2path(page).suffix == ".md":
        source[0] = _LINK.sub(target, source[0])


def drop_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """Remove the table of contents from the pages of the reference. The theme shows its own."""
    if app.env.doc2path(page).suffix == ".rst":
        source[0] = _CONTENTS.sub("", source[0])


def link_to_ansible(
    _app: Sphinx, _env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Link labels, plugins and variables of Ansible to its documentation."""
    name: str = node["reftarget"]
    plugin = _BUILTIN.fullmatch(name)
    if plugin:
        page = f"collections/ansible/builtin/{plugin[1]}.html"
    elif node["reftype"] == "envvar" and name.startswith("ANSIBLE_"):
        page = f"reference_appendices/config.html#envvar-{name}"
    elif name in LABELS:
        page = LABELS[name]
    else:
        return None
    return nodes.reference("", "", content, internal=False, refuri=ANSIBLE + page)


class Mermaid(Directive):
    """A diagram that draw.js draws. Without JavaScript the page shows its source."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The element that Mermaid replaces."""
        source = escape("\n".join(self.content))
        return [nodes.raw("", f'<pre class="mermaid">{source}</pre>', format="html")]


def setup(app: Sphinx) -> None:
    app.add_directive("mermaid", Mermaid)
    # Without Mermaid, a diagram is plain text. Pygments cannot parse the HCL of a Vault policy.
    for language in ("mermaid", "hcl"):
        app.add_lexer(language, TextLexer)
    app.connect("missing-reference", link_to_ansible)
    app.connect("source-read", link_to_repository)
    app.connect("source-read", drop_contents)
