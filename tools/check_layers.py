#!/usr/bin/env python3
"""Checks that folders use only the folders below them, and the outside world only where that is allowed.

The arrows of ARCHITECTURE.md are the table ARROWS; the rest of the rules follow it. Every finding is one line,
`file:line: what; try action`, and makes the exit code 1.
"""

import argparse
import re
import sys
from pathlib import Path

# Each folder and what it builds on directly; what those build on is allowed as well.
ARROWS = {
    "base": [],
    "trace": ["base"],
    "ingest": ["trace"],
    "alloc": ["base"],
    "replay": ["trace", "alloc"],
    "plan": ["replay"],
    "analyze": ["plan"],
    "table": ["analyze"],
    "advise": ["analyze"],
    "report": ["advise"],
    "device": ["base"],
    "rehearsal": ["device"],
    "recording": ["rehearsal"],
    "runtime": ["device", "alloc", "trace"],
    "monitor": ["device"],
    "heap": ["base"],
    "app": ["ingest", "report", "table", "recording", "monitor"],
    "cli": ["app"],
    "python/bindings": ["app", "heap"],
}
# What crosses folders by its nature may use everything.
ANYTHING = ["tests", "bench", "examples"]
# A unit test or fuzz target may also read a file into the value it checks.
TESTS_ALSO = {"ingest"}

# Headers of the outside world: what they are, which they are, and who may include them, as a test of folder and file.
POSIX = (
    r"(sys|linux|net|netinet|arpa|asm|asm-generic|mach)/.*|"
    r"(aio|dirent|dlfcn|elf|execinfo|fcntl|fnmatch|ftw|getopt|glob|grp|ifaddrs|io|langinfo|libgen|link|malloc|mqueue|"
    r"netdb|poll|pthread|pty|pwd|sched|semaphore|spawn|strings|syslog|termio|termios|ucontext|unistd|utime|windows|"
    r"wordexp)\.h"
)
OUTSIDE = [
    (
        "POSIX, Linux or Windows",
        POSIX,
        lambda folder, file: folder in ("device", "rehearsal", "recording", "runtime", "monitor", *ANYTHING)
        or (folder == "base" and re.fullmatch(r"os_\w+\.cpp", file.name)),
        "put the call behind a function of base/os_*.cpp",
    ),
    (
        "Python",
        r"Python\.h|nanobind/.*|pybind11/.*",
        lambda folder, file: folder in ("heap", "python/bindings"),
        "keep it to heap and python/bindings",
    ),
    ("CUDA", r"cuda\w*\.h|cuda/.*", lambda folder, file: folder == "device", "keep it to device"),
    ("NVML", r"nvml\.h", lambda folder, file: folder == "monitor", "keep it to monitor"),
    (
        "CLI11",
        r"CLI/.*",
        lambda folder, file: folder == "cli",
        "keep it to cli",
    ),
    (
        "JSON or unpacking library",
        r"nlohmann/.*|simdjson\.h|zlib\.h|zstd\w*\.h",
        lambda folder, file: (folder == "base" or folder in ANYTHING or file.suffix == ".cpp"
                              or file.name.endswith("_json.h")),
        "include it in the .cpp file (or in a header named *_json.h)",
    ),
]

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
CPP_SUFFIXES = {".cpp", ".h", ".cc", ".hpp", ".cxx", ".c"}
NOT_OURS = {"build", "node_modules", "venv", "site-packages"}


def allowed_folders(folder):
    """All that `folder` may include, itself too."""
    if folder in ANYTHING:
        return {*ARROWS, *ANYTHING}
    allowed = {folder}
    for below in ARROWS[folder]:
        allowed |= allowed_folders(below)
    return allowed


def folder_of(path):
    """The table's folder for a path relative to the root, or None."""
    parts = path.parts
    if parts[0] == "src":
        parts = parts[1:]
    for length in (2, 1):
        name = "/".join(parts[:length])
        if len(parts) > length and (name in ARROWS or name in ANYTHING):
            return name
    return None


def is_unit_test(path):
    return path.stem.endswith(("_test", "_fuzz"))


def check_include(root, path, folder, bracket, header):
    """Yields (what, try) for one include of the file `path`."""
    if ".." in header.split("/"):
        yield f'includes "{header}"', "write it from the source root"
        return
    for kind, pattern, may, action in OUTSIDE:
        if re.fullmatch(pattern, header) and not may(folder, path):
            yield f"{folder} includes {header}, a {kind} header", action
    ours = (root / "src" / header).exists() or (root / "python" / header).exists()
    if bracket == "<" and not ours:
        return
    target = folder_of(Path(header)) or folder_of(Path("python") / header)
    if target is None:
        if bracket == '"' and folder not in ANYTHING:
            yield f'"{header}" does not begin with a folder of the table', 'write "folder/file.h" (libraries: <...>)'
        return
    allowed = allowed_folders(folder) | (TESTS_ALSO if is_unit_test(path) else set())
    if target not in allowed:
        names = ", ".join(sorted(allowed - {folder})) or "no other folder"
        yield f'{folder} may not include "{header}"', f"use only {names}, or move the code to the folder it belongs to"


def check_cpp(root, path):
    folder = folder_of(path)
    if folder is None:
        yield 1, "is in no folder of the table", "move it, or add its folder to ARROWS in tools/check_layers.py"
        return
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            for what, action in check_include(root, path, folder, *match.groups()):
                yield number, what, action


def cmake_calls(text):
    """Yields (line number, command, [(line number, argument)...]) for the plain calls of a CMakeLists.txt."""
    text = re.sub(r"#[^\n]*", "", text)
    for call in re.finditer(r"\b(\w+)\s*\(([^()]*)\)", text):
        words = [
            (text.count("\n", 0, call.start(2) + word.start()) + 1, word.group().strip('"'))
            for word in re.finditer(r"\S+", call.group(2))
        ]
        yield text.count("\n", 0, call.start()) + 1, call.group(1).lower(), words


def check_links(folder, words, allowed):
    for number, word in words:
        target = word[len("unfrag_") :] if word.startswith("unfrag_") else None
        target = "python/bindings" if target == "bindings" else target
        if target in ARROWS and target not in allowed:
            names = ", ".join("unfrag_" + name for name in sorted(allowed - {folder})) or "none of ours"
            yield number, f"{folder} may not link {word}", f"link only {names}"


def check_cmake(root, path):
    """Links follow the arrows, and no source file of the folder is left out of the build."""
    folder = folder_of(path)
    if folder is None:
        return
    allowed = allowed_folders(folder)
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    mentioned = set()
    for number, command, words in cmake_calls(text):
        mentioned.update(word for _, word in words)
        if command == "unfrag_folder" and words:
            if words[0][1] != folder:
                yield number, f"defines {words[0][1]} in the folder {folder}", "give it the folder's name"
            names = [word for _, word in words]
            links = words[names.index("LINK") :] if "LINK" in names else []
            yield from check_links(folder, links, allowed)
        elif command == "target_link_libraries" and words:
            tests_also = TESTS_ALSO if words[0][1].endswith("_test") else set()
            yield from check_links(folder, words[1:], allowed | tests_also)
    # A folder within a folder may leave its tests to the outer one.
    outer = (root / path).parent.parent / "CMakeLists.txt"
    of_outer = outer.read_text(encoding="utf-8", errors="replace") if outer.is_file() else ""
    for source in sorted((root / path).parent.glob("*.cpp")):
        if source.name not in mentioned and f"{source.parent.name}/{source.name}" not in of_outer:
            yield 1, f"does not build {source.name}", "add it to SOURCES, TESTS or FUZZ, or remove it"


def files_below(root):
    """The files of the project, without hidden folders and build outputs, relative to the root."""
    for entry in sorted(root.iterdir()):
        if entry.name.startswith(".") or entry.name in NOT_OURS or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from (Path(entry.name) / below for below in files_below(entry))
        else:
            yield Path(entry.name)


def check(root):
    for path in files_below(root):
        if path.suffix in CPP_SUFFIXES:
            findings = check_cpp(root, path)
        elif path.name == "CMakeLists.txt" and path.parts[0] in ("src", "python"):
            findings = check_cmake(root, path)
        else:
            continue
        for number, what, action in findings:
            yield f"{path.as_posix()}:{number}: {what}; try: {action}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("--root", type=Path, default=here, help="the project's folder")
    findings = list(check(parser.parse_args().root))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
