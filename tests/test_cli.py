"""What all tools share: flags and typos, exit codes, --help, running as a file from anywhere."""
from __future__ import annotations

import ast
import errno
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gluon_r2n2.errors import ModelError
from gluon_r2n2_tools import cli
from recordio.errors import DataError

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted(path.stem for path in (ROOT / "tools").glob("*.py") if '__name__ == "__main__"' in path.read_text())


@pytest.fixture
def parser():
    parser = cli.Parser(prog="r2n2-try", description="A parser to try.")
    parser.add_argument("source", metavar="SRC")
    parser.add_argument("--model", choices=["gru_3", "lstm_3", "res3d_gru_3"], default="gru_3", help="the network")
    parser.add_argument("--steps", type=cli.positive_int, default=50, metavar="N", help="how many")
    parser.add_argument("--rate", type=cli.positive_float, default=0.001, metavar="X", help="how fast")
    return parser


def refused(parser, capsys, *argv):
    """Parse *argv*, which must be refused with exit code 2 and one line; returns the line."""
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(list(argv))
    assert stop.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("r2n2-try: error: ") and message.count("\n") == 1
    return message


def test_good_flags_are_parsed(parser):
    options = parser.parse_args(["D", "--model", "lstm_3", "--steps", "7", "--rate=0.5"])
    assert vars(options) == {"source": "D", "model": "lstm_3", "steps": 7, "rate": 0.5}


@pytest.mark.parametrize("flag, meant", [("--step", "--steps"), ("--modle", "--model"), ("--steps-=3", "--steps")])
def test_an_unknown_flag_names_the_nearest(parser, capsys, flag, meant):
    assert f"did you mean '{meant}'?" in refused(parser, capsys, "D", flag)


def test_a_flag_unlike_all_others_names_none(parser, capsys):
    message = refused(parser, capsys, "D", "--qqqq")
    assert "'--qqqq'" in message and "did you mean" not in message and "--help" in message


def test_an_unknown_choice_names_the_nearest_and_lists_all(parser, capsys):
    message = refused(parser, capsys, "D", "--model", "resd3_gru_3")
    assert "--model" in message and "'resd3_gru_3'" in message and "did you mean 'res3d_gru_3'?" in message
    assert "gru_3, lstm_3, res3d_gru_3" in message


@pytest.mark.parametrize("flag, text, wanted", [
    ("--steps", "0", "at least 1"), ("--steps", "-3", "at least 1"), ("--steps", "2.5", "integer"),
    ("--steps", "many", "integer"), ("--steps", "²", "integer"), ("--steps", "", "integer"),
    ("--rate", "0", "above 0"), ("--rate", "nan", "above 0"),
    ("--rate", "inf", "above 0"), ("--rate", "fast", "above 0"),
])
def test_a_bad_value_names_the_flag_and_the_value(parser, capsys, flag, text, wanted):
    message = refused(parser, capsys, "D", flag, text)
    assert flag in message and wanted in message and repr(text) in message


def test_a_missing_argument_is_named(parser, capsys):
    assert "SRC" in refused(parser, capsys)


def test_help_shows_the_defaults_that_there_are(parser):
    parser.add_argument("--data", required=True, help="where the data is")
    parser.add_argument("--resume", action="store_true", help="go on")
    parser.add_argument("--lr", help="the rate (default: the recipe's)")
    parser.add_argument("--json", help="a file to write")
    text = parser.format_help()
    assert "the network (default: gru_3)" in text and "how many (default: 50)" in text
    assert text.count("default: ") == 4 and "None" not in text and "False" not in text


@pytest.mark.parametrize("outcome, code", [(None, 0), (0, 0), (3, 3)])
def test_run_hands_the_code_on(outcome, code):
    assert cli.run(lambda argv: outcome, []) == code


@pytest.mark.parametrize("error, code, words", [
    (DataError("pictures/x.png: is no image"), 2, "pictures/x.png: is no image"),
    (ModelError("unknown model 'gru'"), 2, "unknown model 'gru'"),
    (OSError(errno.ENOSPC, "No space left on device", "out/a.rec"), 2, "out/a.rec: the disk is full"),
    (OSError(errno.EROFS, "Read-only file system", "out"), 2, "out: the file system is read-only"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "absent"), 2, "absent: no such file or folder"),
    (PermissionError(errno.EACCES, "Permission denied", "secret"), 2, "secret: permission denied"),
    (FileExistsError(errno.EEXIST, "File exists", "out"), 2, "out: it exists already and is not a folder"),
    (UnicodeEncodeError("utf-8", "run\udcfe", 3, 4, "surrogates not allowed"), 2, r"'run\udcfe': the name"),
    (MemoryError("Unable to allocate 909. TiB"), 2, "909. TiB"),
    (KeyboardInterrupt(), 130, "interrupted"),
])
def test_run_turns_what_users_cause_into_one_line(capsys, error, code, words):
    def main(argv):
        raise error

    assert cli.run(main, []) == code
    message = capsys.readouterr().err
    assert words in message and message.count("\n") == 1


def test_a_defect_keeps_its_traceback():
    def main(argv):
        return {}["missing"]

    with pytest.raises(KeyError):
        cli.run(main, [])


def test_an_integer_has_limits(parser, capsys):
    parser.add_argument("--level", type=cli.integer(0, 22), default=3)
    assert [parser.parse_args(["D", "--level", text]).level for text in ("0", "22", "+7")] == [0, 22, 7]
    for text in ("-1", "23"):
        message = refused(parser, capsys, "D", f"--level={text}")
        assert f"--level: wants an integer from 0 to 22, got '{text}'" in message


@pytest.mark.parametrize("script, flag, text", [
    ("make_shapes", "--resolution", "257"), ("make_shapes", "--image-size", "4097"), ("make_shapes", "--seed", "-1"),
    ("pack_rec", "--level", "23"),
])
def test_what_no_later_stage_could_use_is_refused_at_once(script, flag, text, tmp_path, capsys):
    module = importlib.import_module(f"gluon_r2n2_tools.{script}")
    with pytest.raises(SystemExit) as stop:
        module.main([str(tmp_path), str(tmp_path / "out"), f"{flag}={text}"][script == "make_shapes":])
    assert stop.value.code == 2 and f"{flag}: wants an integer" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def run_main(source, **options):
    """Run cli.run around a main that consists of *source*, in a process of its own."""
    code = (f"import sys; sys.path[0] = {str(ROOT / 'tools')!r}; import _checkout; from gluon_r2n2_tools import cli\n"
            f"def main(argv):\n    {source}\nsys.exit(cli.run(main))")
    environment = dict(os.environ, **options.pop("variables", {}))
    return subprocess.run([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, timeout=120, **options)


def test_a_reader_that_went_away_ends_a_tool_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    result = run_main("print('result')", stdout=writing)
    os.close(writing)
    assert result.returncode == 1 and result.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_does_not_fit_on_the_disk_is_said():
    with open("/dev/full", "wb") as full:
        result = run_main("print('result')", stdout=full)
    assert result.returncode == 2 and b"the disk is full" in result.stderr and result.stderr.count(b"\n") == 1


def test_a_terminal_without_the_letters_of_a_name_stops_nothing():
    result = run_main(r"print('wrote \u00fc\udcfe')", stdout=subprocess.PIPE, variables={"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0 and result.stdout.strip() == rb"wrote \xfc\udcfe" and result.stderr == b""


def flags_in(script):
    """The flags that the source of a tool, or its module of options, adds to its parser."""
    sources = [ROOT / "tools" / f"{script}{part}.py" for part in ("", "_options")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sources if path.is_file()]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument"]
    return {constant.value for call in calls for constant in call.args
            if isinstance(constant, ast.Constant) and str(constant.value).startswith("--")}


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_names_every_flag(script, capsys):
    module = importlib.import_module(f"gluon_r2n2_tools.{script}")
    with pytest.raises(SystemExit) as stop:
        module.main(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code in (0, None)
    assert flags_in(script), "a tool without a flag: does the test still find them?"
    for flag in flags_in(script):
        assert flag in text
        assert flag == flag.lower() and "_" not in flag  # kebab-case


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script != "bootstrap"])
def test_a_tool_refuses_an_unknown_flag(script, capsys):
    module = importlib.import_module(f"gluon_r2n2_tools.{script}")
    try:
        code = module.main(["--no-such-flag-at-all"])
    except SystemExit as stop:
        code = stop.code
    assert code == 2 and capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("script", ["contact_sheet", "bootstrap"])
def test_a_tool_runs_as_a_file_from_anywhere(script, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run([sys.executable, str(ROOT / "tools" / f"{script}.py"), "--help"], cwd=tmp_path,
                            env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert "usage:" in result.stdout and result.stderr == ""
