"""What the user's own configuration and source say, with file and line.

`inventory` reads the wrangler configuration, `audit` finds caching faults in the sources.
"""

from cachelib.evidence.audit import Audit, audit, fingerprints, to_json
from cachelib.evidence.baseline import read_baseline, write_baseline
from cachelib.evidence.display import audit_text, inventory_text
from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.facts import Fact
from cachelib.evidence.finding import Change, Changes, Finding
from cachelib.evidence.formats import formatted, write_text
from cachelib.evidence.graph import Graph, GraphEdge, GraphNode, architecture
from cachelib.evidence.inventory import Absence, Gap, Inventory, inventory
from cachelib.evidence.own_rules import load_rules
from cachelib.evidence.remarks import Remark
from cachelib.evidence.revision import folder_at
from cachelib.evidence.rule import (
    SEVERITIES,
    Counterfactual,
    Edit,
    Hit,
    NotModelled,
    Rule,
    Severity,
)
from cachelib.evidence.rules import RULES
from cachelib.evidence.sarif import to_sarif
from cachelib.evidence.settings import Settings, settings_of
from cachelib.evidence.workflow import to_workflow

__all__ = [
    "RULES",
    "SEVERITIES",
    "Absence",
    "Audit",
    "Change",
    "Changes",
    "Counterfactual",
    "Edit",
    "EvidenceError",
    "Fact",
    "Finding",
    "Gap",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "Hit",
    "Inventory",
    "NotModelled",
    "Remark",
    "Rule",
    "Settings",
    "Severity",
    "architecture",
    "audit",
    "audit_text",
    "fingerprints",
    "folder_at",
    "formatted",
    "inventory",
    "inventory_text",
    "load_rules",
    "read_baseline",
    "settings_of",
    "to_json",
    "to_sarif",
    "to_workflow",
    "write_baseline",
    "write_text",
]
