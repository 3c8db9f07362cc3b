"""A read and a later write of one key in one routine: a miss filled, or a value changed."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tree_sitter import Node

from cachelib.evidence.flow import Flow
from cachelib.evidence.functions import callback_of
from cachelib.evidence.module import FUNCTIONS, Module
from cachelib.evidence.operations import Operation
from cachelib.evidence.program import arguments, receiver_of
from cachelib.evidence.syntax import ancestors, below, enclosing, inside, part, text

if TYPE_CHECKING:
    from cachelib.evidence.examination import Examination

_ABSENT = r"(?:^\(|&&|\|\|)(?:!{name}(?![\w$.?([])|{name}===?(?:null|undefined))"
_CHANGES = (
    *("variable_declarator", "assignment_expression", "augmented_assignment_expression"),
    "for_in_statement",
)
_NAMES = ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern")
_READS = ("get", "getWithMetadata")

_SHORTEST = 2  # characters of a key that are the same for all of a family

Variable = tuple[int, str]
"""The declaration of a name and the name: the same word of another block is another variable."""


@dataclass(frozen=True)
class Access:
    """A call that reads or writes, itself or through the function it calls."""

    module: Module
    call: Node
    keys: list[Node]
    values: list[Node]
    operation: Operation


@dataclass(frozen=True)
class Pair:
    """`derived` when what is written was made of what was read."""

    read: Access
    write: Access
    routine: Node
    derived: bool


class Pairs:
    def __init__(self, examined: "Examination", flow: Flow) -> None:
        self.examined = examined
        self.flow = flow

    @cached_property
    def all(self) -> list[Pair]:
        reads = list(self._accesses(_READS))
        places = self._places(reads)
        found = []
        for write in self._accesses(("put",)):
            if (routine := self.examined.routine(write.call)) is None:
                continue
            near = {p for name in self._spellings(write) for p in places[routine.id, name]}
            for read in (reads[place] for place in sorted(near)):
                if self._of_one_key(read, write):
                    derived = self._is_derived(read, write, routine)
                    if derived or may_follow(read.call, write.call):
                        found.append(Pair(read, write, routine, derived))
        return found

    def _places(self, reads: list[Access]) -> dict[tuple[int, str], list[int]]:
        """The reads, by index, of each routine and spelling of a key."""
        places: dict[tuple[int, str], list[int]] = defaultdict(list)
        for place, read in enumerate(reads):
            if (routine := self.examined.routine(read.call)) is not None:
                for name in self._spellings(read):
                    places[routine.id, name].append(place)
        return places

    def _spellings(self, access: Access) -> set[str]:
        """By what the accesses of one key find each other; what they share may still differ."""
        pattern = self.flow.pattern(access.operation.key)
        return {*map(self.examined.values.spelled, access.keys), f"pattern {pattern}"}

    def _accesses(self, methods: tuple[str, ...]) -> Iterator[Access]:
        for each in self.examined.of(*methods):
            keys, values = arguments(each.call)[:1], arguments(each.call)[1:2]
            yield Access(each.module, each.call, keys, values, each)
        for module, call, performed in self._helped:
            if {operation.method for operation in performed} <= set(methods):
                given = arguments(call)
                yield Access(module, call, given, given, performed[0])

    @cached_property
    def _helped(self) -> list[tuple[Module, Node, list[Operation]]]:
        """The calls of functions in which operations stand, with these."""
        if not self.examined.operations:
            return []
        calls = self.examined.program.calls
        performed = (
            (module, call, self.examined.performed_by_call(call)) for module, call in calls
        )
        return [each for each in performed if each[2]]

    def _of_one_key(self, read: Access, write: Access) -> bool:
        if read.call == write.call or not read.operation.shares_namespace(write.operation):
            return False
        keys = self.flow.pattern(read.operation.key), self.flow.pattern(write.operation.key)
        if not may_meet(*keys):
            return False
        if any(self._same(one, other) for one in write.keys for other in read.keys):
            return True
        if self._is_new(write) and not self._is_new(read):
            return False
        if keys[0] != keys[1] or len(keys[0].strip("*")) < _SHORTEST:
            return False
        return "*" not in keys[0] or self._is_chosen_alike(read, write)

    def _is_new(self, access: Access) -> bool:
        """The key is made of something random: no key that is there already."""
        origins = self.flow.origins(access.operation.key)
        return any(each.kind == "minted" for each in origins)

    def _same(self, one: Node, other: Node) -> bool:
        """One key, and not the `env` that both calls are given."""
        tags = {kind.tag for kind in self.examined.kinds.kinds(one)}
        same = self.examined.values.same_text(one, other)
        return same and not tags & {"env", "kv"} and text(one) not in ("this", "ctx", "c")

    def _is_chosen_alike(self, read: Access, write: Access) -> bool:
        """The helper is given all that the other one makes its key of."""
        own = [each for each in (read, write) if each.call == each.operation.call]
        helpers = [each for each in (read, write) if each.call != each.operation.call]
        if len(own) != 1 or len(helpers) != 1:
            return False
        choosing = self._choosing(own[0])
        return bool(choosing) and choosing <= self._choosing(helpers[0])

    def _choosing(self, access: Access) -> set[Variable]:
        """The variables that choose the key: of the caller, where a helper makes the key."""
        found = {each for key in access.keys for each in self.variables(key)}
        return {each for each in found if each[1] not in ("c", "env", "ctx", "this")}

    def _is_derived(self, read: Access, write: Access, routine: Node) -> bool:
        keys = [key for key in write.keys if any(self._same(key, each) for each in read.keys)]
        values = [each for each in write.values if each not in keys]
        if not values:
            return False
        if inside(read.call, write.call):
            return True
        names = self._derived(routine, read.call, write.call)
        changed = any(self.variables(value) & names for value in values)
        return changed and not was_missing(write.call, {name for _, name in names})

    def _derived(self, routine: Node, get: Node, put: Node) -> set[Variable]:
        """The variables that hold something of what was read when the write is reached."""
        names = self._continued(get, put)
        for change in below(routine, *_CHANGES):
            if change.start_byte > put.start_byte:
                break
            target = part(change, "name") or part(change, "left")
            source = part(change, "value") or part(change, "right")
            if target is None or source is None or not may_follow(change, put):
                continue
            if _is_refill(source, get):
                continue
            if inside(get, source) or self.variables(source) & names:
                names |= self.variables(target)
            elif target.type == "identifier" and _always_before(change, put):
                names -= self.variables(target)
        return names

    def variables(self, node: Node) -> set[Variable]:
        found = set()
        for each in below(node, *_NAMES):
            definition = self.examined.program.look_up(text(each), each)
            found.add((definition.owner.id if definition is not None else 0, text(each)))
        return found

    def _continued(self, get: Node, put: Node) -> set[Variable]:
        """The parameters of `kv.get(key).then((value) => …)` around the write."""
        for above in ancestors(put):
            if above.type in FUNCTIONS and callback_of(above) == "then":
                receiver = receiver_of(enclosing(above, {"call_expression"}))
                if receiver is not None and inside(get, receiver):
                    listed = part(above, "parameters") or part(above, "parameter") or above
                    return self.variables(listed)
        return set()


def may_meet(one: str, other: str) -> bool:
    """Whether two patterns can be of one key: not `profile:*` and `energy:*`."""
    heads = one.partition("*")[0], other.partition("*")[0]
    return heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])


def _is_refill(source: Node, get: Node) -> bool:
    """`(await kv.get(key)) ?? (await load())`: what is there, or what is loaded, unchanged."""
    right = part(source, "right")
    if text(part(source, "operator")) not in ("??", "||") or right is None:
        return False
    return not inside(get, right) and any(below(right, "await_expression"))


def may_follow(read: Node, write: Node) -> bool:
    """The write can come after the read: not in another branch of an `if` or `switch`."""
    if read.start_byte >= write.start_byte:
        return False
    below_ = read
    for above in ancestors(read):
        if inside(write, above):
            branches = (part(above, "consequence"), part(above, "alternative"))
            return above.type != "if_statement" or below_ not in branches
        if above.type == "if_statement" and below_ == part(above, "consequence") and leaves(below_):
            return False
        if above.type in ("switch_case", "switch_default") and not inside(write, above):
            return False
        below_ = above
    return True


def leaves(block: Node) -> bool:
    last = (
        block.named_children[-1]
        if block.type == "statement_block" and block.named_children
        else block
    )
    return last.type in ("return_statement", "throw_statement", "continue_statement")


def _always_before(change: Node, put: Node) -> bool:
    """The write is in the block that the assignment is a statement of."""
    block = enclosing(change, {"statement_block", "if_statement", "program", "switch_case"})
    return block is not None and block.type != "if_statement" and inside(put, block)


def was_missing(put: Node, names: set[str]) -> bool:
    """`if (!cached) await kv.put(…)`: there was nothing to lose."""
    for above in ancestors(put):
        condition, then = part(above, "condition"), part(above, "consequence")
        if above.type == "if_statement" and then is not None and inside(put, then):
            tested = re.sub(r"\s+", "", text(condition))
            if any(re.search(_ABSENT.format(name=re.escape(name)), tested) for name in names):
                return True
    return False
