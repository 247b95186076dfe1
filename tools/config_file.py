"""A file of options in YAML <-> the command line: `--config F` reads it, the folder of every run holds one."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import yaml

from gluon_r2n2 import files
from gluon_r2n2_tools import cli
from recordio.errors import DataError, nearest

FIRST_WEIGHTS = ("init-from", "pretrained-backbone")  # what only a new run takes
NOT_IN_A_FILE = ("config", "help")
SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Entry(NamedTuple):
    value: Union[None, str, List[Any]]
    line: int


class _Texts(yaml.SafeLoader):
    """Leaves every value the text that it is, as on the command line, null excepted.

    YAML 1.1 would make a number of `1:5`, a date of `2020-01-05`, a truth value of `no` and, in PyYAML, a text of
    `1e-3`; the types of the flags know better.
    """

    yaml_implicit_resolvers = {first: [(tag, pattern) for tag, pattern in resolvers if tag == "tag:yaml.org,2002:null"]
                               for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


def expand(parser: argparse.ArgumentParser, argv: Sequence[str]) -> List[str]:
    """Put the options of the file that `--config` names before those of the command line, which then outweigh them.

    Raises:
        DataError: no valid YAML, or an option that the command line would not take; names file and line.
        OSError: the file cannot be read.
    """
    argv = [str(argument) for argument in argv]
    first = cli.Parser(prog=parser.prog, add_help=False)
    first.add_argument("--config", metavar="FILE", type=Path)
    path = first.parse_known_args(argv)[0].config
    if path is None:
        return argv
    arguments = _arguments(parser, path)
    typed = {argument.split("=")[0] for argument in argv}
    resumes = "--resume" in typed or arguments.get("resume")
    for group in parser._mutually_exclusive_groups:
        names = [name_of(action) for action in group._group_actions]
        there = [name for name in names if name in arguments]
        if len(there) > 1:
            raise DataError(f"{path}: gives both {there[0]} and {there[1]}; leave one of them out")
        if any("--" + name in typed for name in names):  # --epochs outweighs the file's steps
            arguments = {name: each for name, each in arguments.items() if name not in names}
    # what is typed replaces what the file says, also where a flag adds up, as --freeze
    arguments = {name: each for name, each in arguments.items() if "--" + name not in typed}
    # given twice, some flags collect their values; and a resumed run brings its weights along
    return [argument for name, each in arguments.items() for argument in each
            if "--" + name not in typed and not (resumes and name in FIRST_WEIGHTS)] + argv


def read(path: Path) -> Dict[str, Entry]:
    """The options of a file by the name of their flag, `-` between its words.

    Raises:
        DataError: no YAML, or no mapping of names to values; names the line.
        OSError: it cannot be read.
    """
    loader = None
    try:
        loader = _Texts(Path(path).read_bytes())
        return _entries(loader, path)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(filter(None, (error.context, error.problem)))
        raise DataError(f"{path}{f', line {mark.line + 1}' if mark else ''}: is no valid YAML ({reason}); write one "
                        "option per line, as `batch-size: 8`") from None
    except yaml.reader.ReaderError as error:
        raise DataError(f"{path}: is no text ({error.reason}); write one option per line, as `batch-size: 8`"
                        ) from None
    except RecursionError:
        raise DataError(f"{path}: is nested too deeply; write one option per line, as `batch-size: 8`") from None
    finally:
        if loader:
            loader.dispose()


def write(path: Path, options: Dict[str, Any], *, tool: str = "train.py") -> None:
    """Write options of *tool*, by the name of their flag, as a file that `expand` reads; atomic.

    Raises:
        OSError: it cannot be written.
    """
    text = yaml.safe_dump(options, sort_keys=False, allow_unicode=True, default_flow_style=False)
    with files.atomic_path(path) as temporary:
        temporary.write_text(f"# All options of this run; {tool} --config THIS --run ANOTHER repeats it.\n" + text,
                             encoding="utf-8")


def plain(value: Any, *, several: bool) -> Any:
    """The value of an option as the file and, apart from *several* values, the command line have it."""
    if several:
        return [str(each) for each in value]
    if isinstance(value, tuple):
        return "-".join(map(str, value))  # a range
    if isinstance(value, Path):
        return str(value.resolve())  # so that the file means the same from every folder
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _entries(loader: _Texts, path: Path) -> Dict[str, Entry]:
    root = loader.get_single_node()
    if root is None:
        raise DataError(f"{path}: holds no option; write one per line, as `batch-size: 8`, or leave --config out")
    if not isinstance(root, yaml.MappingNode):
        raise DataError(f"{path}, line {root.start_mark.line + 1}: wants options by name, as `batch-size: 8`, got "
                        f"{_kind(root)}")
    entries: Dict[str, Entry] = {}
    for key, value in root.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise DataError(f"{path}, line {line}: wants the name of an option, got {_kind(key)}")
        if isinstance(value, yaml.MappingNode):
            raise DataError(f"{path}, line {line}: {key.value} wants a value, got {_kind(value)}")
        name = key.value.replace("_", "-")
        if name in entries:
            raise DataError(f"{path}, line {line}: {key.value} is given a second time, first in line "
                            f"{entries[name].line}; leave one of them out")
        made = loader.construct_object(value, deep=True)
        entries[name] = Entry(made if made is None or isinstance(made, list) else str(made), line)
    return entries


def _arguments(parser: argparse.ArgumentParser, path: Path) -> Dict[str, List[str]]:
    """The command line that a file stands for, by option."""
    actions = {name_of(action): action for action in parser._actions if name_of(action) not in NOT_IN_A_FILE}
    arguments = {}
    for name, entry in read(path).items():
        where = f"{path}, line {entry.line}"
        if name not in actions:
            # another name of the program for it, such as learning_rate for --lr, is the better hint
            meant: Optional[str] = next((each for each, action in actions.items()
                                         if action.dest == name.replace("-", "_")), None)
            hint = f" (did you mean {meant!r}?)" if meant else nearest(name, actions)
            raise DataError(f"{where}: unknown option {name!r}{hint}; the names are those of the flags, see "
                            f"{parser.prog} --help")
        if entry.value is not None:
            arguments[name] = _tokens(parser, actions[name], entry.value, where)
    return arguments


def _tokens(parser, action: argparse.Action, value: Union[str, List[Any]], where: str) -> List[str]:
    """One option as arguments, checked as the parser would, whose sentences then name the line of the file."""
    flag = action.option_strings[-1]
    values = value if isinstance(value, list) else [value]
    if action.nargs == 0:
        if not isinstance(value, str) or value.lower() not in SWITCH:
            raise DataError(f"{where}: {flag} wants true or false, got {value!r}")
        return [flag] if SWITCH[value.lower()] else []
    if isinstance(value, list) and action.nargs is None:
        raise DataError(f"{where}: {flag} wants one value, got a list of {len(value)}")
    if not values or not all(isinstance(each, str) for each in values):
        raise DataError(f"{where}: {flag} wants values, as [{action.metavar}, {action.metavar}], got {value!r:.60}")
    try:
        parser._get_values(action, list(values))
    except argparse.ArgumentError as error:
        raise DataError(f"{where}: {error}") from None
    return [f"{flag}={values[0]}"] if action.nargs is None else [flag, *values]


def name_of(action: argparse.Action) -> str:
    """The name of an option in a file: its flag without the dashes before it."""
    return action.option_strings[-1].lstrip("-") if action.option_strings else action.dest


def _kind(node: yaml.Node) -> str:
    return {"scalar": "a single value", "sequence": "a list", "mapping": "a mapping"}[node.id]
