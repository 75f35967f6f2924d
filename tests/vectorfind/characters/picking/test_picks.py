"""Picking from a run's folder: sheet, characters, the table, and what the run's page says."""

import pandas as pd
import pytest

from property_cnn.common.errors import InputError
from property_cnn.jobs.verify import verify
from reports.plots.style import Plot
from tests.sketches import PNG
from tests.vectorfind.planted import PlantedGenerator, PlantedScorer
from vectorfind.characters.character import load_character
from vectorfind.characters.picking.cases import named_networks
from vectorfind.characters.picking.picks import pick
from vectorfind.characters.picking.ranking import ranked
from vectorfind.config import EvaluateSettings, FindSettings
from vectorfind.runs import test as runs

NETWORKS = {"generator": PlantedGenerator(), "scorer": PlantedScorer()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of five cases of planted networks."""
    folder = tmp_path_factory.mktemp("run") / "out"
    find = FindSettings(n=320, group_by=(), workers=1)
    test = EvaluateSettings(cases=5, control_cases=0, bootstrap=50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "run_figures", lambda *args: {"tsne": Plot(PNG)})
        runs.run_test(find, test, folder, *NETWORKS.values(), quiet=True)
    return folder


def test_from_sheet_to_character(made, monkeypatch):
    picks = pick(made, quiet=True, **NETWORKS)
    page = picks.page.read_text("utf-8")
    assert picks.page == made / "contact_sheet.html"
    assert page.count("<label") == len(picks.table)
    assert f"vectorfind pick {made}" in page
    assert (made / "contact_sheet.webp").is_file()
    assert set(picks.table["suitable"]) == {"X"}
    case = int(picks.table["case"].iloc[0])
    kept = pick(made, [case], quiet=True, **NETWORKS)
    assert [path.name for path in kept.files] == [f"case_{case:04d}.safetensors"]
    table = pd.read_csv(made / "picked.csv").set_index("case")
    assert table.loc[case, "suitable"] == "O"
    assert table.loc[case, "character"] == f"characters/case_{case:04d}.safetensors"
    assert (table["suitable"] == "O").sum() == 1
    passed = (table["passed"] == "O").sum()
    assert kept.lines == [f"suitable cases: 1 of {passed} passed ({100 / passed:.1f} %)"]
    assert "suitable cases" in (made / "report.html").read_text("utf-8")
    character = load_character(kept.files[0], NETWORKS["generator"])
    assert character.name == f"case {case}"
    assert all(value > 0.99 for value in character.made["correlations"].values())
    assert verify(made).whole
    with pytest.raises(InputError, match="is there already; leave it out, or give --overwrite"):
        pick(made, [case], quiet=True, **NETWORKS)
    again = pick(made, [case], overwrite=True, quiet=True, **NETWORKS)
    assert again.files == kept.files
    assert "kept</span>" in pick(made, quiet=True, **NETWORKS).page.read_text("utf-8")
    first = {True: 1, False: 0}
    monkeypatch.setattr(
        "vectorfind.characters.picking.picks.ranked",
        lambda *given, passed_only: ranked(*given).iloc[first[passed_only] :],
    )
    later = pick(made, quiet=True, **NETWORKS).table  # of the other cases, this one being kept
    assert later.set_index("case").loc[case, "suitable"] == "O"


def test_what_is_not_there(made, tmp_path):
    with pytest.raises(InputError, match=r"case 5: .* has 0 to 4"):
        pick(made, [5], quiet=True, **NETWORKS)
    with pytest.raises(InputError, match="does not say which networks it ran"):
        pick(made, quiet=True)
    with pytest.raises(InputError, match=r"holds no test_result\.csv"):
        pick(tmp_path, quiet=True, **NETWORKS)


def test_networks_are_those_of_the_command(tmp_path):
    (tmp_path / "config.json").write_text(
        '{"models": {}, "command": "vectorfind test -n 9 --generator \'my model.pkl\' --size 256"}'
    )
    assert named_networks(tmp_path) == ("my model.pkl", "default")
    with pytest.raises(InputError, match="is no folder of a run"):
        named_networks(tmp_path / "none")
