"""The studio in a real browser: from the first page to a saved character and its picture."""

import shutil
import urllib.error
import urllib.request
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from vectorfind.characters.character import load_character

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
WAIT = 60_000  # milliseconds, of a machine with much else to do
SLIDERS = {"eyes": -0.6, "mouth": 0.7, "pose": -0.5}


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("gradio", reason="the extra studio is not installed")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no browser is here: none of {', '.join(BROWSERS)}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(browser, tmp_path_factory):
    """The running studio of the shipped models, and its folder of characters."""
    from vectorfind.studio.opening import open_stage
    from vectorfind.studio.server import start

    folder = tmp_path_factory.mktemp("characters")
    stage = open_stage(device="cpu")
    blocks = start(stage, folder)
    yield blocks.local_url, folder, stage
    blocks.close(verbose=False)


@pytest.fixture
def page(browser, served):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(WAIT)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(served[0])
    page.wait_for_selector("#picture .shown img")
    page.wait_for_selector("#gallery button")
    yield page
    page.close()


def source(page):
    return page.get_attribute("#picture .shown img", "src")


def changed(page, action):
    """Does the action and waits until the picture is another one."""
    before = source(page)
    action()
    page.wait_for_function(
        "before => document.querySelector('#picture .shown img').src !== before", arg=before
    )


def until(page, told):
    """Waits until the caption tells it."""
    page.wait_for_function(
        "told => document.querySelector('#picture .shown').innerText.includes(told)", arg=told
    )


def slide(page, place, value):
    changed(page, lambda: page.fill(f"#slider-{place} input[type=range]", str(value)))


def seen(page, name):
    """What the scorer sees of a slider, once its reading is that of the present picture."""
    page.wait_for_function(
        "([name, asked]) => document.querySelector(`[data-property=${name}]`)?.innerText"
        ".includes(asked)",
        arg=[name, f"{SLIDERS[name]:+.2f}"],
    )
    return float(page.get_attribute(f"[data-property={name}]", "data-seen"))


def test_a_face_is_picked_driven_dyed_kept_and_downloaded(page, served):
    address, folder, stage = served
    changed(page, lambda: page.click("#gallery button[data-number='3']"))
    until(page, "seed 3")
    rest = {name: float(page.input_value(f"#slider-{k} input[type=range]"))
            for k, name in enumerate(stage.properties)}  # fmt: skip
    for place, name in enumerate(stage.properties):
        slide(page, place, SLIDERS[name])
    for name, asked in SLIDERS.items():
        assert abs(seen(page, name) - asked) < abs(rest[name] - asked), name
    page.click("#dye > button")
    changed(page, lambda: page.check("#wears input"))
    changed(page, lambda: page.fill("#ombre-color input[type=range]", "0.9"))

    page.fill("#name input, #name textarea", "anna")
    page.click("#save")
    page.wait_for_selector("#note >> text=saved")
    with page.expect_download() as download:
        page.click("#take")
    downloaded = np.asarray(Image.open(BytesIO(download.value.path().read_bytes())))
    character = load_character(folder / "anna.safetensors")
    assert character.dye["ombre-color"] == 0.9
    np.testing.assert_array_equal(character.render(**SLIDERS), downloaded)

    page.click("#save")  # what is saved is not replaced unasked
    page.wait_for_selector("#note >> text=there already")
    page.click("#keep-old")
    page.wait_for_selector("#note >> text=Nothing was replaced")

    changed(page, lambda: page.keyboard.press("Control+z") or page.click("#reset"))
    page.reload()
    page.wait_for_selector("#gallery button")
    page.click("#saved input")
    page.click("[role=option] >> text=anna")
    changed(page, lambda: page.click("#load"))
    until(page, "anna")
    for place, name in enumerate(stage.properties):
        slide(page, place, SLIDERS[name])
    until(page, f"pose {SLIDERS['pose']:+.2f}")
    with page.expect_download() as download:
        page.click("#take")
    again = np.asarray(Image.open(BytesIO(download.value.path().read_bytes())))
    np.testing.assert_array_equal(again, downloaded)
    outside = [url for url in page.asked if not url.startswith((address, "data:", "blob:"))]
    assert outside == []


def test_two_users_do_not_mix(page, browser, served):
    changed(page, lambda: page.click("#gallery button[data-number='4']"))
    until(page, "seed 4")
    other = browser.new_page()
    other.set_default_timeout(WAIT)
    other.goto(served[0])
    other.wait_for_selector("#picture .shown img")
    until(other, "seed 0")
    slide(page, 0, -0.9)
    until(page, "eyes -0.90")
    until(other, "unedited")
    other.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_picture_stays_in_view(browser, served, theme):
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=theme)
    page.set_default_timeout(WAIT)
    page.goto(served[0])
    page.wait_for_selector("#picture .shown img")
    page.wait_for_selector("#gallery button")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.evaluate("window.scrollTo(0, 420)")
    box = page.locator("#picture .shown img").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] < 844 / 2
    labels = "input[type=range], input[type=number], button, [role=combobox]"
    unnamed = page.evaluate(
        "labels => [...document.querySelectorAll(labels)].filter(each => each.offsetParent && "
        "!each.innerText && !each.ariaLabel && !each.labels?.length).length",
        labels,
    )
    assert unnamed == 0
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, paper[4:-1].split(","))) < 384) == (theme == "dark")
    page.close()


def test_requests_for_another_host_are_refused(served):
    address = served[0]
    with urllib.request.urlopen(address, timeout=60) as answer:
        assert answer.status == 200
    asked = urllib.request.Request(address, headers={"Host": "rebound.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(asked, timeout=60)
