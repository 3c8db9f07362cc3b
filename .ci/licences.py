"""The licence of every installed package, as its metadata states it."""

from importlib.metadata import distributions


def stated(package) -> str:
    """The expression, or the first line, or the classifiers."""
    said = package.get("License-Expression") or (package.get("License") or "").split("\n")[0]
    said = "" if said == "UNKNOWN" else said
    classified = (line.rpartition("::")[2] for line in package.get_all("Classifier", ()) if
                  line.startswith("License ::"))  # fmt: skip
    return said[:60].strip() or ", ".join(map(str.strip, classified)) or "not stated"


for name, licence in sorted(
    {(one.metadata["Name"], stated(one.metadata)) for one in distributions()}
):
    print(f"{name:<32}{licence}")
