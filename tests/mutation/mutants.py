"""Mutants of C files: one small change each, by fixed operators.

A file is looked at with its comments and literals blanked, so that positions stay and nothing inside
them is changed. Operators:

  order       a memory order becomes weaker
  compare     a comparison becomes its neighbour or its opposite
  logic       && becomes ||, and the other way round
  off-by-one  + 1 and - 1 vanish; a constant of a comparison moves by one
  drop        a statement is left out: a call, an assignment, a return without a value, break, continue
"""
import re

WEAKER = {
    "__ATOMIC_SEQ_CST": "__ATOMIC_RELAXED",
    "__ATOMIC_ACQ_REL": "__ATOMIC_RELAXED",
    "__ATOMIC_RELEASE": "__ATOMIC_RELAXED",
    "__ATOMIC_ACQUIRE": "__ATOMIC_RELAXED",
}
COMPARE = {"<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "==": ["!="], "!=": ["=="]}
BLANKED = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?:\\\n|[^\n])*',
                     re.S | re.M)
# What reports is no behaviour that a program can rely on, and assertions have no effect when they hold.
REPORTS = re.compile(r"\b(rill__diagnose|RILL_ASSERT|_Static_assert|dump_told)\s*\(")
DECLARES = re.compile(r"^\s*(?:static|const|struct|enum|union|unsigned|signed|char|int|bool|void|u?int\d+_t|size_t|"
                      r"ssize_t|uintptr_t|sigset_t|double|pthread_\w+|va_list|typedef|extern)\b")


def blank(text):
    return BLANKED.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def statements(code):
    """(start, end) of the simple statements inside functions; end behind the semicolon."""
    depth, parens, start = 0, 0, 0
    for at, c in enumerate(code):
        if c == "(":
            parens += 1
        elif c == ")":
            parens -= 1
        elif c in "{}" and parens == 0:
            depth += 1 if c == "{" else -1
            start = at + 1
        elif c == ";" and parens == 0:
            if depth > 0:
                yield start, at + 1
            start = at + 1


def headless(code, start, end):
    """The statement without what stands before it: labels, else, and if (...), for (...), while (...)."""
    while True:
        m = re.match(r"\s*(?:else\b|do\b|case\b[^:]*:|default\s*:|(?=(?:if|for|while|switch)\b))\s*", code[start:end])
        if not m:
            break
        start += m.end()
        if re.match(r"(?:if|for|while|switch)\b", code[start:end]):
            at = code.index("(", start)
            depth = 0
            while True:
                depth += {"(": 1, ")": -1}.get(code[at], 0)
                at += 1
                if depth == 0:
                    break
            if at >= end:
                return None
            start = at
        elif m.end() == 0:
            break
    while start < end and code[start].isspace():
        start += 1
    return start, end


def inside_report(reports, at):
    return any(a <= at < b for a, b in reports)


def find(path, text):
    """Yields (line, operator, start, end, replacement), in the order of the file."""
    code = blank(text)
    found = []
    reports = []
    for m in REPORTS.finditer(code):
        end = code.find(";", m.end())
        reports.append((m.start(), end))
    for m in re.finditer(r"\b__ATOMIC_\w+", code):
        if m.group() in WEAKER:
            found.append(("order", m.start(), m.end(), WEAKER[m.group()]))
    for m in re.finditer(r"(?<![<>=!\-+*/%&|^])(<=|>=|==|!=|<|>)(?![<>=])", code):
        if re.search(r"#\s*\w*$", code[:m.start()].rsplit("\n", 1)[-1]):
            continue
        for other in COMPARE[m.group()]:
            found.append(("compare", m.start(), m.end(), other))
    for m in re.finditer(r"&&|\|\|", code):
        found.append(("logic", m.start(), m.end(), "||" if m.group() == "&&" else "&&"))
    for m in re.finditer(r" [+-] 1(?![\w.])", code):
        found.append(("off-by-one", m.start(), m.end(), ""))
    for m in re.finditer(r"(?:<=?|>=?|==|!=) ([0-9]+)u?(?![\w.])", code):
        found.append(("off-by-one", m.start(1), m.end(1), str(int(m.group(1)) + 1)))
    for start, end in statements(code):
        place = headless(code, start, end)
        if not place or place[1] - place[0] < 3:
            continue
        body = code[place[0]:place[1]]
        if DECLARES.match(body) or re.match(r"return\b.+;|goto\b|\w+\s+\**\w+\s*(=|\[|;|,)", body, re.S):
            continue
        found.append(("drop", place[0], place[1], ";"))
    for operator, start, end, new in sorted(set(found), key=lambda f: (f[1], f[2], f[0], f[3])):
        if not inside_report(reports, start):
            yield text.count("\n", 0, start) + 1, operator, start, end, new
