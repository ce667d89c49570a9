"""Finds the blocks that other checks read: their calls of pages.only, as they are in their source, and the recipes."""

import ast
from pathlib import Path

from pages import PAGES, ROOT, Block, blocks


def constants(tree: ast.Module) -> dict[str, str]:
    """The module's own names for texts."""
    return {node.targets[0].id: node.value.value for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)}


def calls(source: Path) -> list[tuple[str, ...]]:
    """The arguments of each call of only: heading, language and text."""
    tree = ast.parse(source.read_text())
    names, found = constants(tree), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "only":
            values = [a.value if isinstance(a, ast.Constant) else names.get(getattr(a, "id", "")) for a in node.args]
            if all(isinstance(value, str) for value in values):  # a variable is one that this program cannot follow
                found.append(tuple(values))
    return found


def read_by(check: str) -> list[Block]:
    """The blocks that the check reads, a path below the project's folder."""
    if check == "verify/recipes.py":
        import recipes  # its list of headings is the one that it follows

        return [block for heading in recipes.RECIPES for block in recipes.recipe(heading)]
    found = []
    for heading, language, *holding in calls(ROOT / check):
        found += [block for page in PAGES for block in blocks(page)
                  if block.heading == heading and block.language == language and "".join(holding) in block.text]
    return found
