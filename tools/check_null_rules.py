#!/usr/bin/env python3
"""Holds the null device's table of rules against NVIDIA's own headers: argument positions, types and result types.

By hand, whenever a rule or a CUDA version is added. The headers are on PyPI (nvidia-cusolver-cu12, nvidia-cusparse and
so on) and stay outside the project; give the folder they were unpacked in and the program that prints the table:

    tools/check_null_rules.py --program build/unfrag_null_rules --headers /tmp/headers [--symbols imported.txt ...]

Positions count integer and pointer arguments only, because that is how they arrive. A file of symbols has one `name` or
`name|kind` a line; for each, how many of its functions have a rule and which have none. Findings make the exit code 1.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

PREFIX = r"(?:cublas|cudnn|cusolver|cusparse|cufft|cupti|nvrtc|nvshmem|nccl|cuFile)"
PROTOTYPE = re.compile(
    r"([\w \t\n*]*?)\b(" + PREFIX + r"\w*)\s*\(((?:[^()]|\([^()]*\))*)\)\s*(?:\w+\s*(?:\([^()]*\))?\s*)?;"
)
DECORATION = re.compile(r"\b(const|extern|static|inline|[A-Z_0-9]*(API|DEPRECATED|HOST)\w*|__\w+)\b")
# Answered by hand, not by rules: nothing to report about.
BY_HAND = re.compile(
    r"cublas(Create|Destroy|SetStream|GetStream|SetWorkspace|GetVersion|[GS]etMathMode|[GS]etPointerMode)(_v2)?|"
    r"cublasLt\w*|cudnn\w*|cuda\w*|nvml\w*|cu[A-Z](?!ile)\w*"
)
# Structures passed by value that are too large for registers: they lie on the stack and are not counted.
LARGE = {"ncclUniqueId"}
FLOATING = {"float", "double", "cuComplex", "cuDoubleComplex", "half", "__half"}
PLAIN = {"int", "char", "void", "float", "double", "cuComplex", "cuDoubleComplex", "size_t"}
# What a place may be called in a prototype.
NAMES = {
    "m": {"m", "mb"}, "n": {"n"}, "k": {"k"}, "batch": {"batch", "batchSize"}, "nnz": {"nnz", "nnzA", "nnzb"},
    "other_nnz": {"nnzB"}, "economy": {"econ"}, "side": {"side"}, "type": {"dataTypeA", "executiontype", "computeType"},
    "input_type": {"inputtype"}, "output_type": {"outputtype"}, "rank": {"rank"}, "lengths": {"n"},
    "sparse": {"matA", "matC"}, "dense": {"matB"}, "other_sparse": {"matB"},
}
DIMENSIONS = {"m", "n", "k", "batch", "nnz", "other_nnz"}
LETTERS = "[SDCZsdcz]{1,2}"
WIDE = r"(size_t|u?int64_t|long long( int)?|unsigned long long)"
NARROW = r"(int|u?int32_t|unsigned( int)?|\w*(Result|Status|RedOp|Mode)_t)"


class Parameter:
    def __init__(self, text):
        self.constant = "const" in text.split()
        text = re.sub(r"\s+", " ", re.sub(r"\b(const|struct|enum|restrict)\b", " ", text)).strip()
        match = re.fullmatch(r"(.*?)([\w]+)?\s*(\[\w*\])?", text)
        kind, name, array = match.group(1).strip(), match.group(2) or "", match.group(3)
        if not kind:
            kind, name = name, ""
        self.name = name
        self.stars = kind.count("*") + (1 if array else 0)
        self.type = kind.replace("*", " ").strip()

    def counted(self):
        return self.stars > 0 or (self.type not in FLOATING and self.type not in LARGE)

    def __str__(self):
        return f"{self.type}{'*' * self.stars} {self.name}"


class Prototype:
    def __init__(self, result, arguments, file):
        self.result = re.sub(r"\s+", "", DECORATION.sub(" ", result).split('"')[-1])
        self.file = file
        pieces = [piece for piece in re.split(r",(?![^()]*\))", arguments) if piece.strip() not in ("", "void")]
        self.parameters = [parameter for parameter in map(Parameter, pieces) if parameter.counted()]


def read_headers(folder):
    """Every function declared below `folder`, as name -> its distinct prototypes."""
    found = {}
    for path in sorted(Path(folder).rglob("*.h")):
        text = path.read_text(errors="replace")
        text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", text, flags=re.S)
        text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", " ", text, flags=re.M)
        for result, name, arguments in PROTOTYPE.findall(text):
            if re.search(r"\breturn\b|\btypedef\b", result):
                continue
            prototype = Prototype(result, arguments, path.name)
            known = found.setdefault(name, [])
            if all(map(str, prototype.parameters)) and not any(
                list(map(str, prototype.parameters)) == list(map(str, other.parameters)) for other in known
            ):
                known.append(prototype)
    return found


class Rule:
    def __init__(self, library, fields):
        self.library = library
        self.name, written, read, width, self.result, self.figure = fields
        self.written = re.findall(r"(\w+)@(\d+)(?:<(\d+))?", written)
        self.read = re.findall(r"(\w+)@(\d+)", read)
        self.wide = width == "wide"
        before, star, after = self.name.partition("*")
        self.pattern = re.compile(re.escape(before) + (LETTERS if star else "") + re.escape(after))


def read_table(text):
    rules, library = [], None
    for kind, *fields in (line.split("\t") for line in text.splitlines()):
        if kind == "library":
            library = fields[0]
        else:
            rules.append(Rule(library, fields))
    return rules


def rule_for(rules, name):
    """As find_rule: an exact name, else the first pattern."""
    exact = [rule for rule in rules if rule.name == name]
    return (exact or [rule for rule in rules if rule.pattern.fullmatch(name)] or [None])[0]


def is_handle(parameter, stars):
    return parameter.stars == stars and parameter.type not in PLAIN and not re.fullmatch(WIDE, parameter.type)


def fits(does, parameter):
    """Whether `does` may write through (or end) this parameter."""
    if does == "handle":  # NCCL registers buffers under a plain pointer.
        return is_handle(parameter, 1) or (parameter.type == "void" and parameter.stars == 2)
    if does in ("number", "int", "keptint"):
        return parameter.stars == 1 and (re.fullmatch(NARROW, parameter.type) or parameter.type == "cufftHandle")
    if does in ("size", "keptsize"):
        return parameter.stars == 1 and re.fullmatch(WIDE, parameter.type)
    if does in ("text", "same"):
        return parameter.stars == 2 and parameter.type == "char"
    if does == "zeros":
        return parameter.stars == 1 and parameter.type in ("char", "void")
    if does == "info":
        return parameter.stars == 1 and parameter.type == "int" and "info" in parameter.name.lower()
    if does == "random":
        return parameter.stars == 1 and parameter.type in LARGE
    if does == "destroy":
        return is_handle(parameter, 0) or (parameter.type == "void" and parameter.stars == 1)
    return parameter.stars >= 1  # other


def check_write(does, at, source, parameters):
    if at >= len(parameters):
        return f"{does} at argument {at}, but there are {len(parameters)}"
    if not fits(does, parameters[at]):
        return f"{does} at argument {at}, which is {parameters[at]}"
    if source and int(source) >= len(parameters):
        return f"{does} from argument {source}, but there are {len(parameters)}"
    if source and does == "info" and parameters[int(source)].name not in NAMES["batch"]:
        return f"info of a batch of argument {source}, which is {parameters[int(source)]}"
    return None


def check_read(place, at, wide, parameters):
    if at >= len(parameters) or parameters[at].name not in NAMES[place]:
        what = parameters[at] if at < len(parameters) else "none"
        return f"{place} at argument {at}, which is {what}"
    if place in DIMENSIONS and bool(re.fullmatch(WIDE, parameters[at].type)) != wide:
        return f"{place} at argument {at} is read with the wrong width: {parameters[at]}"
    return None


def check(rule, prototype):
    """Yields what is wrong with `rule` as the answer to a function of this prototype."""
    for does, at, source in rule.written:
        yield check_write(does, int(at), source, prototype.parameters)
    for place, at in rule.read:
        yield check_read(place, int(at), rule.wide, prototype.parameters)
    if (rule.result == "text") != (prototype.result == "char*"):
        yield f"returns {prototype.result}, the rule {rule.result}"
    if prototype.result.endswith("*") and rule.result not in ("text", "0"):
        yield f"returns a pointer, the rule {rule.result}"


def findings(rules, headers):
    for name, prototypes in sorted(headers.items()):
        rule = rule_for(rules, name)
        for prototype in prototypes if rule else []:
            for problem in filter(None, check(rule, prototype)):
                yield f"{rule.name}: {name} in {prototype.file}: {problem}"


def unseen(rules, headers):
    """Rules that answer nothing of a library whose header was given."""
    used = {id(rule_for(rules, name)) for name in headers}
    given = {rule.library for rule in rules if id(rule) in used}
    return [rule.name for rule in rules if rule.library in given and id(rule) not in used]


def report_unwritten(rules, headers):
    """For reading through: what looks like a result and is not written, one function of each rule."""
    for rule in rules:
        for name in sorted(headers):
            if rule_for(rules, name) is rule:
                written = {int(at) for _, at, _ in rule.written}
                left = [
                    str(parameter)
                    for at, parameter in enumerate(headers[name][0].parameters)
                    if parameter.stars and not parameter.constant and at not in written
                ]
                if left:
                    print(f"not written: {name}: {', '.join(left)}")
                break


def report_symbols(rules, headers, path):
    names = [line.split("|")[0].strip() for line in Path(path).read_text().split("\n") if line.strip()]
    ours = sorted({name for name in names if not BY_HAND.fullmatch(name)})
    without = [name for name in ours if rule_for(rules, name) is None]
    print(f"{path}: {len(ours) - len(without)} of {len(ours)} have a rule")
    for name in without:
        print(f"    without: {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="prints the table")
    parser.add_argument("--headers", required=True, type=Path, help="folder with the official headers")
    parser.add_argument("--symbols", nargs="*", default=[], help="files with the symbols that something imports")
    parser.add_argument("--unwritten", action="store_true", help="list pointers that are passed over")
    arguments = parser.parse_args()
    rules = read_table(subprocess.run([arguments.program], check=True, capture_output=True, text=True).stdout)
    headers = read_headers(arguments.headers)
    problems = list(findings(rules, headers))
    for problem in problems:
        print(problem)
    missing = unseen(rules, headers)
    print(f"{len(rules)} rules, {len(headers)} prototypes, {len(problems)} findings")
    if missing:
        print("not in the headers: " + " ".join(missing))
    if arguments.unwritten:
        report_unwritten(rules, headers)
    for path in arguments.symbols:
        report_symbols(rules, headers, path)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
