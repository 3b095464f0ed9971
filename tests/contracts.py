"""A rule for import-linter that its own kinds of contract cannot say without a list of adapters."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, output


class NobodyImportsAnAdapter(Contract):
    """Adapters are found by their name in config.yaml. They are the modules of `providers` but
    `base`, `errors` and those with an underscore, which adapters share.
    """

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        broken = [
            (importer, imported)
            for imported in sorted(graph.find_descendants("providers"))
            for importer in sorted(graph.find_modules_that_directly_import(imported))
            if _adapter(imported) and _adapter(imported) != _adapter(importer)
        ]
        lines = {
            pair: graph.get_import_details(importer=pair[0], imported=pair[1])[0]["line_number"]
            for pair in broken
        }
        return ContractCheck(kept=not broken, metadata={"lines": lines})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for (importer, imported), line in check.metadata["lines"].items():
            output.print_error(f"{importer} imports the adapter {imported} (l.{line})")


def _adapter(module: str) -> str | None:
    top, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    if top != "providers" or name in ("", "base", "errors") or name.startswith("_"):
        return None
    return name
