"""Writes papermill's parameters in Rust.

Each parameter becomes a variable with an explicit type, because the rest of the notebook expects one:

    int     i64, or i128 if it is larger
    float   f64
    bool    bool
    str     String
    list    Vec of one of these
    dict    std::collections::BTreeMap<String, …>

The cell tagged `parameters` should give its defaults the same types: `let items: i64 = 24;`.
"""

import math
import re

from papermill.engines import NBClientEngine
from papermill.exceptions import PapermillException
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
DEFINITION = re.compile(
    r"^\s*let\s+(?:mut\s+)?(?P<name>\w+)\s*(?::\s*(?P<type>[^=]+?))?\s*=\s*(?P<value>.*?)\s*;\s*(?://\s*(?P<help>.*))?$"
)


class RustTranslator(Translator):
    @classmethod
    def codify(cls, parameters, comment="Parameters"):
        lines = [f"// {comment}"]
        for name, value in parameters.items():
            if not NAME.fullmatch(name):
                raise PapermillException(f"the parameter {name!r} is not a valid name of a variable in Rust")
            try:
                rust_type, code = translate(value)
            except ValueError as reason:
                raise PapermillException(f"the parameter {name!r} can't be written in Rust: {reason}") from None
            lines.append(f"let {name}: {rust_type} = {code};")
        return "\n".join(lines) + "\n"

    @classmethod
    def inspect(cls, parameters_cell):
        found = map(DEFINITION.match, parameters_cell["source"].splitlines())
        return [
            Parameter(
                name=it["name"],
                inferred_type_name=it["type"] or "None",
                default=it["value"],
                help=it["help"] or "",
            )
            for it in found
            if it
        ]


class Engine(NBClientEngine):
    """papermill's own engine, registered under a name that loads this module."""


def translate(value):
    """The type of a value and the value itself, in Rust."""
    match value:
        case bool():
            return "bool", str(value).lower()
        case int():
            bits = next((bits for bits in (64, 128) if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)), None)
            if bits is None:
                raise ValueError(f"{value} does not fit into 128 bits")
            return f"i{bits}", str(value)
        case float():
            return "f64", floating(value)
        case str():
            return "String", f"String::from({quoted(value)})"
        case list() | tuple():
            rust_type, codes = of_one_type(value)
            return f"Vec<{rust_type}>", f"vec![{', '.join(codes)}]"
        case dict():
            rust_type, codes = of_one_type(value.values())
            pairs = ", ".join(f"(String::from({quoted(str(key))}), {code})" for key, code in zip(value, codes))
            map_type = f"std::collections::BTreeMap<String, {rust_type}>"
            return map_type, f"std::collections::BTreeMap::from([{pairs}])"
    raise ValueError(f"{value!r} has no type in Rust")


def of_one_type(values):
    translated = [translate(value) for value in values]
    types = {rust_type for rust_type, _ in translated}
    if types == {"i64", "f64"}:
        return of_one_type([float(value) for value in values])
    if not types:
        raise ValueError("it is empty, so the type of its items is unknown")
    if len(types) > 1:
        raise ValueError(f"its items have more than one type: {' and '.join(sorted(types))}")
    return types.pop(), [code for _, code in translated]


def floating(value):
    if math.isnan(value):
        return "f64::NAN"
    if math.isinf(value):
        return "f64::INFINITY" if value > 0 else "f64::NEG_INFINITY"
    return repr(value)


def quoted(text):
    def escaped(character):
        if character in '"\\':
            return "\\" + character
        return character if character.isprintable() else f"\\u{{{ord(character):x}}}"

    return f'"{"".join(map(escaped, text))}"'


papermill_translators.register("rust", RustTranslator)
