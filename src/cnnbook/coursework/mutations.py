"""Single changes that make code wrong: another operator, comparison, number or sign, a term that is dropped.

`check` makes them in the solution of an assignment, and tools/mutate.py in the network. Both then ask whether
a test notices.
"""

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


@dataclass(frozen=True)
class Change:
    """One change of a source text: `after` replaces `before`, the bytes from `start` to `end`, on `line`."""

    line: int
    start: int
    end: int
    before: str
    after: str

    def __str__(self):
        return f"{self.before} -> {self.after}"

    def made_in(self, source: str) -> str:
        """The source text with this change; brackets around it keep the order of evaluation.

        >>> [change.made_in("y = x < 2") for change in changes_of("y = x < 2")]
        ['y = (x <= 2)', 'y = x < (3)']
        """
        content = source.encode()
        return (content[: self.start] + f"({self.after})".encode() + content[self.end :]).decode()


def changes_of(source: str, skip: tuple[type, ...] = ()) -> list[Change]:
    """Every single change of a source text.

    Parameters
    ----------
    skip : kinds of syntax nodes to leave alone, with everything inside them.

    Examples
    --------
    >>> print(*changes_of("def f(x, n=1):\\n    return n * x + 2", skip=(ast.arguments,)), sep="\\n")
    n * x + 2 -> n * x - 2
    n * x + 2 -> n * x
    n * x -> n / x
    n * x -> n
    2 -> 3
    """
    tree = ast.parse(source)
    lines = source.encode().splitlines(keepends=True)
    begin = [0, *itertools.accumulate(map(len, lines))]  # where each line begins, in bytes
    kept = {id(node) for top in ast.walk(tree) for node in left_alone(top, skip)}
    return [
        Change(
            node.lineno,
            begin[node.lineno - 1] + node.col_offset,
            begin[node.end_lineno - 1] + node.end_col_offset,
            ast.get_source_segment(source, node),
            ast.unparse(ast.fix_missing_locations(wrong)),
        )
        for node in ast.walk(tree)
        if id(node) not in kept
        for wrong in replacements(node)
    ]


def replacements(node: ast.AST) -> Iterator[ast.AST]:
    """What can stand in the place of one node of the syntax tree by mistake.

    >>> [ast.unparse(wrong) for wrong in replacements(ast.parse("a + b").body[0].value)]
    ['a - b', 'a']
    """
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPERATORS:
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        if isinstance(node.op, ast.Add | ast.Sub | ast.Mult):
            yield node.left  # the second term is dropped
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        other = COMPARISONS[type(node.ops[0])]()
        yield ast.Compare(node.left, [other, *node.ops[1:]], node.comparators)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and type(node.value) is float:
        yield ast.Constant(node.value * 1.5 or 0.5)
    elif isinstance(node, ast.Constant) and type(node.value) is bool:
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value


def left_alone(node: ast.AST, skip: tuple[type, ...]) -> Iterator[ast.AST]:
    """The nodes, this one and those inside it, that no change is made in.

    They are messages, annotations and declarations, which no test reads, and the number behind a minus sign:
    -1 is one number, and NumPy takes any negative one for "the rest".
    """
    declares = isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("field", "dataclass")
    if declares or isinstance(node, (ast.Raise, ast.JoinedStr, *skip)):
        yield from ast.walk(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant):
        yield node.operand
    elif isinstance(node, ast.keyword) and node.arg == "strict":
        yield node.value
    for note in (getattr(node, "annotation", None), getattr(node, "returns", None)):
        if note is not None:
            yield from ast.walk(note)
