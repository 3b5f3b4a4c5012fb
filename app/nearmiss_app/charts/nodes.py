"""Trees of plain elements, which `nearmiss_app.pictures` draws; no Streamlit inside."""

from typing import Any

Node = dict[str, Any]


def node(tag: str, look: str, *children: Node | str | None, press: dict[str, Any] | None = None, **said: str) -> Node:
    """
    An element of class `look`; children that are None are left out.

    `said` holds the attributes, `aria_label` for aria-label; a name with two underscores in front becomes a CSS
    variable, `__own` for --own. `press` is handed back when the element is pressed.
    """
    made: Node = {"tag": tag, "look": look, "children": [child for child in children if child is not None]}
    made["style"] = {name.replace("_", "-"): value for name, value in said.items() if name.startswith("__")}
    made["said"] = {name.replace("_", "-"): value for name, value in said.items() if not name.startswith("__")}
    return made | ({"press": press} if press else {})
