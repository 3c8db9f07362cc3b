"""What the user's own configuration and source say, with file and line.

`inventory` reads the wrangler configuration, `audit` finds caching faults in the sources.
"""

from cachelib.evidence.audit import Audit, Change, Finding, audit, to_json
from cachelib.evidence.display import audit_text, inventory_text
from cachelib.evidence.errors import EvidenceError
from cachelib.evidence.facts import Fact
from cachelib.evidence.graph import Graph, GraphEdge, GraphNode, architecture
from cachelib.evidence.inventory import Absence, Gap, Inventory, inventory
from cachelib.evidence.remarks import Remark
from cachelib.evidence.rule import SEVERITIES, Counterfactual, NotModelled, Rule, Severity
from cachelib.evidence.rules import RULES
from cachelib.evidence.sarif import to_sarif

__all__ = [
    "RULES",
    "SEVERITIES",
    "Absence",
    "Audit",
    "Change",
    "Counterfactual",
    "EvidenceError",
    "Fact",
    "Finding",
    "Gap",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "Inventory",
    "NotModelled",
    "Remark",
    "Rule",
    "Severity",
    "architecture",
    "audit",
    "audit_text",
    "inventory",
    "inventory_text",
    "to_json",
    "to_sarif",
]
