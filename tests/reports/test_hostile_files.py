"""Tables and settings from outside: what would give wrong numbers is refused in a line."""

import json
import os
import re

import pytest

from property_cnn.common.errors import InputError
from property_cnn.common.folders import inside
from reports import folders, layout, reading
from reports.tables import read_table
from tests.sketches import sketched
from tests.vectorfind.run_files import planted_corrs, write_run
from vectorfind.runs.report import write_report

HEAD = "case,group_name,passed,eyes_corr\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + "0,hh,O,0.95,\n1,hh,O,0.94,\n", "line 2 has 5 cells, the header 4"),
        (HEAD + "0,hh,O,0.95\n1,hh,O,0.94,\n", "line 3 has 5 cells, the header 4"),
        (HEAD + "0,hh,O,0.95\n1,hh\n", "line 3 has 2 cells, the header 4"),
        (HEAD + "0,hh,O,0.95\n0,hh,O,0.95\n", "case 0 stands twice"),
        (HEAD + "0,hh,O,5\n", "outside -1 to 1"),
        (HEAD + "0,hh,O,many\n", "'many', which is no number"),
        (HEAD + "1e300,hh,O,0.9\n", "no whole number"),
        (HEAD + '0,"h\x01h",O,0.9\n', "control characters"),
        ("case,eyes_corr,eyes_corr\n0,1,0.5\n", "eyes_corr stands twice"),
        (f"case,{'e' * 500}_corr\n0,1\n", "at most 100"),
        ("case,eyes_corr,eyes_abs_corr\n0,0.5,0.1\n", "eyes_abs_corr is not"),
        (HEAD + '0,"' + "h" * 200_000 + '",O,0.9\n', "field larger"),
    ],
)
def test_tables_of_cases_that_would_be_misread_are_refused(text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        reading.read_results(text)


@pytest.mark.parametrize("value", ["5", "-1.2", "inf", "text"])
def test_curves_hold_corr_coefs(value):
    with pytest.raises(ValueError, match=r"outside|infinite|no number"):
        reading.read_curve(f"n,eyes_mean_corr\n1000,{value}\n")


def test_a_property_may_be_called_abs():
    table = reading.read_results("case,foo_abs_corr\n0,0.5\n")
    assert reading.result_properties(table) == ("foo_abs",)
    both = reading.read_results("case,foo_corr,foo_abs_corr\n0,-0.5,0.5\n")
    assert reading.result_properties(both) == ("foo",)


def test_infinities_in_a_runs_tables_are_refused():
    with pytest.raises(ValueError, match="low holds an infinite number"):
        read_table("low,high\n0.1,0.2\ninf,1\n", ("low",))


@pytest.mark.parametrize("name", ["control.csv", "slopes.csv", "fits.csv"])
def test_text_where_numbers_stand_is_refused(name, tmp_path):
    run = write_run(tmp_path / "run", planted_corrs())
    text = (run / name).read_text()
    (run / name).write_text(re.sub(r"\d\.\d+", "many", text))
    with pytest.raises(InputError, match=rf"{re.escape(name)} cannot be used: .* 'many'"):
        write_report(run, tmp_path / "out")


@pytest.mark.parametrize("name", ["loop/x", "x" * 300, "a\0b"])
def test_paths_that_lead_nowhere_are_no_file(name, tmp_path):
    os.symlink("loop", tmp_path / "loop")
    with pytest.raises(InputError, match=r"cannot read|is no path"):
        write_report(tmp_path / name, tmp_path / "out")


def changed(folder, change):
    run = write_run(folder, planted_corrs())
    config = json.loads((run / "config.json").read_text())
    change(config)
    (run / "config.json").write_text(json.dumps(config))
    return run


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config["evaluate"].update(thresholds={"eyes": "high"}),
        lambda config: config["evaluate"].update(thresholds=["eyes"]),
        lambda config: config["evaluate"].update(thresholds={"eyes": float("nan")}),
        lambda config: config["evaluate"].update(seed="none"),
        lambda config: config["evaluate"].update(bootstrap=-1),
        lambda config: config.update(tested={"strengths": {"eyes": None}}),
        lambda config: config.update(tested={"strengths": [1, 2]}),
        lambda config: config.update(find=[1]),
        lambda config: config["find"].update(n="many"),
        lambda config: config["find"].update(group_by=5),
        lambda config: config["find"].update(method={"a": 1}),
        lambda config: config.update(kind=["test"]),
        lambda config: config.update(models="g"),
    ],
)
def test_settings_of_a_wrong_type_are_refused(change, tmp_path):
    with pytest.raises(InputError, match=r"config\.json cannot be used"):
        write_report(changed(tmp_path / "run", change), tmp_path / "out")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '"test"',
        "[" * 100_000,
        '{"a":' * 500 + "1" + "}" * 500,
        '{"a": ' + "9" * 5000 + "}",
        "{",
        '{"a": "\\ud800"}',
    ],
    ids=["list", "null", "text", "deep", "nested", "huge", "half", "letter"],
)
def test_settings_that_are_no_settings_are_refused(text, tmp_path):
    run = write_run(tmp_path / "run", planted_corrs())
    (run / "config.json").write_text(text)
    with pytest.raises(folders.ReadingError, match=r"config\.json cannot be used"):
        folders.read_config(run)


@pytest.mark.parametrize("text", ["directions,measure\nfound,eyes_corr\n", "", "directions,meas"])
def test_a_truncated_control_is_refused(text, tmp_path):
    run = write_run(tmp_path / "run", planted_corrs())
    (run / "control.csv").write_text(text)
    with pytest.raises(InputError, match=r"control\.csv cannot be used"):
        write_report(run, tmp_path / "out")


def test_large_tables_and_pipes_are_not_read(tmp_path):
    with open(tmp_path / "large.csv", "wb") as file:
        file.truncate(2**31)
    os.mkfifo(tmp_path / "pipe.csv")
    for name, words in (("large.csv", "2,048 MiB, at most 64"), ("pipe.csv", "is no file")):
        with pytest.raises(InputError, match=words):
            write_report(tmp_path / name, tmp_path / "out")


HOSTILE = ["/../../../escaped", "$x^{", "<b>&", "a\\..\\b", "..", "x" * 90]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_files_are_text_and_no_paths(name, tmp_path):
    source, out = tmp_path / "in" / "c.csv", tmp_path / "deep" / "er" / "out"
    source.parent.mkdir()
    source.write_text(f"method,n,{name}_mean_corr\n$a$_{{,1000,0.5\nsvm,2000,0.6\n")
    with sketched():  # the names are still drawn
        write_report(source, out)
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - {source}
    assert written
    assert all(out in path.parents for path in written)
    assert "<b>" not in (out / "report.html").read_text()


def test_plain_names_stay_and_others_differ():
    assert layout.figure_path("n_curve_eyes") == "figures/n_curve_eyes.png"
    slugs = {layout.slug(name) for name in [*HOSTILE, "a/b", "a.b", "a-b"]}
    assert len(slugs) == len(HOSTILE) + 3
    assert all(len(each) < 90 and not set(each) & set("/\\.$") for each in slugs)


@pytest.mark.parametrize("name", ["../a", "/a", "figures/../../a", "a\0", "..\\a"])
def test_a_write_stays_in_its_folder(name, tmp_path):
    with pytest.raises(InputError, match="leads out of"):
        inside(tmp_path, name)
