"""XML both ways: what strangers send, read without DTDs and entities; what is answered, as text.

Elements know their line and column, because the Metadata API's errors do. Names are without namespaces:
clients are free with these (jsforce sends `sobject.partner.soap.sforce.com` where the WSDL has
`urn:sobject.partner.soap.sforce.com`, and Salesforce takes it); `space` holds the URI where it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from xml.parsers import expat
from xml.sax.saxutils import escape

from closedloop.sandbox.salesforce.records.values import zulu

XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DEEPEST = 64
_MOST_ELEMENTS = 400_000
_NIL = frozenset({"true", "1"})


class MarkupError(ValueError):
    """The text is no XML, or XML that is not read: with a DTD, too deep, too large."""

    def __init__(self, message: str, *, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(slots=True, kw_only=True)
class Element:
    """One element. Attributes are by their local names; `text` is what stands directly in it."""

    name: str
    space: str = ""
    line: int = 0
    column: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def find(self, *names: str) -> Element | None:
        """The first element on that path."""
        found: Element | None = self
        for name in names:
            found = next((c for c in found.children if c.name == name), None) if found else None
        return found

    def all(self, name: str) -> list[Element]:
        """The children of that name."""
        return [child for child in self.children if child.name == name]

    def value(self, *names: str) -> str | None:
        """The text at the end of that path, trimmed; None where there is no such element, or it is nil."""
        found = self.find(*names)
        return None if found is None or found.nil else found.text.strip()

    def values(self, name: str) -> list[str]:
        """The texts of the children of that name."""
        return [child.text.strip() for child in self.all(name)]

    def flag(self, *names: str, default: bool = False) -> bool:
        """A boolean; in any case, because simple-salesforce writes Python's `True`."""
        text = self.value(*names)
        return default if not text else text.lower() in _NIL

    @property
    def nil(self) -> bool:
        return self.attributes.get("nil", "") in _NIL

    @property
    def type(self) -> str:
        """Its xsi:type, without the prefix."""
        return self.attributes.get("type", "").rpartition(":")[2]

    def same(self, other: Element) -> bool:
        """Whether both say the same, wherever they stand."""
        if self.name != other.name or len(self.children) != len(other.children):
            return False
        alike = self.children or self.text.strip() == other.text.strip()
        return bool(alike) and all(map(Element.same, self.children, other.children))


def read(data: bytes) -> Element:
    """The root element. Raises MarkupError."""
    reader = _Reader()
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        message = expat.errors.messages[error.code]
        raise MarkupError(message, line=error.lineno, column=error.offset + 1) from None
    except (ValueError, LookupError) as error:
        if isinstance(error, MarkupError):
            raise
        raise MarkupError(str(error), line=1, column=1) from None
    return reader.root


class _Reader:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse
        self._top = Element(name="")
        self._open = [self._top]
        self._texts: list[list[str]] = [[]]
        self._count = 0

    @property
    def root(self) -> Element:
        return self._top.children[0]

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._count += 1
        if len(self._open) > _DEEPEST or self._count > _MOST_ELEMENTS:
            raise self._error("the document has too many elements, or too deep ones")
        space, _, local = name.rpartition("}")
        made = Element(
            name=local,
            space=space,
            line=self.parser.CurrentLineNumber,
            column=self.parser.CurrentColumnNumber + 1,
            attributes={key.rpartition("}")[2]: text for key, text in attributes.items()},
        )
        self._open[-1].children.append(made)
        self._open.append(made)
        self._texts.append([])

    def _end(self, _: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def _text(self, text: str) -> None:
        self._texts[-1].append(text)

    def _refuse(self, *_: object) -> None:
        raise self._error("DOCTYPE is not allowed")

    def _error(self, message: str) -> MarkupError:
        parser = self.parser
        return MarkupError(message, line=parser.CurrentLineNumber, column=parser.CurrentColumnNumber + 1)


class Markup(str):
    """Text that is XML already."""

    __slots__ = ()


def tag(name: str, content: object, **attributes: str) -> Markup:
    """An element: with text, a number, a flag, an instant, markup, a mapping of children, or nil for None.

    In the names of attributes an underscore stands for the colon: `xsi_type`.
    """
    given = "".join(f' {key.replace("_", ":")}="{escape(v)}"' for key, v in attributes.items())
    if content is None:
        return Markup(f'<{name}{given} xsi:nil="true"/>')
    return Markup(f"<{name}{given}>{_inner(content)}</{name}>")


def tags(values: Mapping[str, object]) -> Markup:
    """An element for each value, several for a list."""
    return Markup("".join(_each(values)))


def written(element: Element, name: str | None = None, **attributes: str) -> Markup:
    """An element that was read, again; its own attributes are left out."""
    if element.nil:
        return tag(name or element.name, None, **attributes)
    inner = "".join(map(written, element.children)) if element.children else escape(element.text)
    return tag(name or element.name, Markup(inner), **attributes)


def _each(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        several: Iterable[object] = value if isinstance(value, list | tuple) else (value,)
        for one in several:
            yield tag(name, one)


def _inner(content: object) -> str:
    if isinstance(content, Markup):
        return content
    if isinstance(content, Mapping):
        return tags(content)
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, datetime):
        return zulu(content)
    if isinstance(content, Decimal | float):
        return f"{content:f}" if isinstance(content, Decimal) else repr(content)
    return escape(printable(str(content)))


def printable(text: str) -> str:
    """The text as XML can hold it."""
    # Salesforce's own control characters and half surrogate pairs are not in XML's alphabet.
    if text.isprintable():
        return text
    return "".join(c for c in text if (c >= " " or c in "\t\n\r") and not "\ud800" <= c <= "\udfff")


def made(name: str, content: object) -> Element:
    """An element as `tag` would write it, for what is read nowhere but made here."""
    if not isinstance(content, Mapping):
        return Element(name=name, text=_plain(content))
    children = [
        made(key, one)
        for key, value in content.items()
        if value is not None
        for one in (value if isinstance(value, list | tuple) else (value,))
    ]
    return Element(name=name, children=children)


def _plain(content: object) -> str:
    return ("true" if content else "false") if isinstance(content, bool) else str(content)
