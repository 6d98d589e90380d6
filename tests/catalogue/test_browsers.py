"""Browsers by process: names, places, and what gives away one that no person drives."""

from __future__ import annotations

import pytest

from whosasking import catalogue
from whosasking.model import Process

KNOWN = catalogue.load()
MAC = "/Applications/Google Chrome.app/Contents"
CHROME = "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"


def process(name, line=None, path=None, parent=None):
    return Process(host="h", key=name, name=name, command_line=line, path=path, parent=parent)


@pytest.mark.parametrize(
    "name", ["msedge.exe", "chrome.exe", "firefox.exe", "iexplore.exe", "opera.exe", "brave.exe", "safari.exe"]
)
def test_the_seeds_browsers_are_browsers(name):
    assert KNOWN.browser(name.upper()).seed


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("firefox-esr", "Mozilla Firefox"),
        ("chromium", "Chromium"),
        ("Google Chrome Helper", "Google Chrome"),
        ("Brave Browser Helper (Renderer)", "Brave"),
        ("com.apple.WebKit.Networking", "Safari"),
        ("vivaldi-bin", "Vivaldi"),
    ],
)
def test_browsers_of_other_systems_are_known(name, product):
    assert KNOWN.browser(name).product == product


@pytest.mark.parametrize(
    "name", ["curl", "msedgewebview2.exe", "chrome.dll", "notchrome.exe", "electron", "xdg-open", "tor.exe", ""]
)
def test_other_programs_are_no_browsers(name):
    assert KNOWN.browser(name) is None


def test_webview_names_the_program_it_works_for():
    view = process("msedgewebview2.exe", 'msedgewebview2.exe --webview-exe-name="Teams.exe" --type=utility')
    assert KNOWN.embedding(view) == "Teams.exe"
    assert KNOWN.embedding(process("msedgewebview2.exe", parent=process("Widgets.exe"))) == "Widgets.exe"
    assert KNOWN.embedding(process("chrome.exe")) is None


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("chrome.exe", CHROME, True),
        ("chrome.exe", CHROME.lower(), True),
        ("chrome.exe", "\\Device\\HarddiskVolume3\\Program Files\\Google\\Chrome\\Application\\chrome.exe", True),
        ("chrome.exe", "D:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe", True),
        ("chrome.exe", "C:\\Users\\ann\\AppData\\Local\\Google\\Chrome\\Application\\chrome.exe", True),
        ("chrome.exe", "C:\\Users\\ann\\AppData\\Local\\Temp\\chrome.exe", False),
        ("chrome.exe", "C:\\Users\\Public\\chrome.exe", False),
        ("firefox.exe", "C:\\Program Files\\Mozilla Firefox\\firefox.exe", True),
        ("msedge.exe", "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe", True),
        ("chromium", "/usr/lib/chromium/chromium", True),
        ("firefox-esr", "/usr/lib/firefox-esr/firefox-esr", True),
        ("firefox", "/snap/firefox/4173/usr/lib/firefox/firefox", True),
        ("chrome", "/opt/google/chrome/chrome", True),
        ("chrome", "/snap/chromium/2897/usr/lib/chromium-browser/chrome", True),
        ("chrome", "/home/u/.cache/ms-playwright/chromium-1134/chrome-linux/chrome", False),
        ("firefox", "/home/u/firefox", False),
        ("firefox", "/home/u/usr/lib/firefox/firefox", False),
        ("Google Chrome", f"{MAC}/MacOS/Google Chrome", True),
        ("Google Chrome Helper", f"{MAC}/Frameworks/Helpers/Google Chrome Helper.app/Contents/MacOS/x", True),
        ("Safari", "/Applications/Safari.app/Contents/MacOS/Safari", True),
        ("chrome.exe", "chrome.exe", None),
        ("chrome.exe", None, None),
        ("curl", "/usr/bin/curl", None),
    ],
)
def test_a_browser_has_its_place(name, path, expected):
    assert KNOWN.install_path_ok(process(name, path=path)) is expected


@pytest.mark.parametrize(
    "flag",
    [
        "--headless",
        "--headless=new",
        "-headless",
        "--remote-debugging-port=9222",
        "--remote-debugging-pipe",
        "--dump-dom",
        "--enable-automation",
        "--test-type=webdriver",
        "--marionette",
        "-juggler",
        "--screenshot=x.png",
        "--Headless",
    ],
)
def test_flags_of_automation_are_told(flag):
    assert flag in KNOWN.is_automated(process("chrome.exe", f'"{CHROME}" {flag} https://who.is/'))


@pytest.mark.parametrize(
    "line",
    [
        f'"{CHROME}"',
        f'"{CHROME}" --single-argument https://x.example/?a=--headless',
        "firefox -P default -no-remote",
        f'"{CHROME}" --type=utility --utility-sub-type=network.mojom.NetworkService',
        f'"{CHROME}" -- --headless',
        None,
        "'",
    ],
)
def test_a_persons_browser_is_not_automated(line):
    assert KNOWN.is_automated(process("chrome.exe", line)) is None


def test_the_network_service_is_automated_when_the_browser_above_it_is():
    above = process("chromium", "/usr/lib/chromium/chromium --headless --dump-dom https://who.is/")
    child = process(
        "chromium",
        "/usr/lib/chromium/chromium --type=utility --utility-sub-type=network.mojom.NetworkService",
        parent=above,
    )
    assert KNOWN.is_automated(child) == "started with --headless"


@pytest.mark.parametrize(
    ("parent", "line"),
    [
        ("chromedriver", "chromedriver --port=9515"),
        ("geckodriver.exe", "geckodriver"),
        ("msedgedriver", None),
        ("node", "node /work/node_modules/playwright/cli.js test"),
        ("python3.11", "python3.11 -m selenium_tests"),
    ],
)
def test_a_browser_below_a_driver_is_automated(parent, line):
    assert KNOWN.is_automated(process("firefox", "firefox", parent=process(parent, line))).startswith(
        f"driven by {parent}"
    )


def test_a_folder_name_above_a_browser_automates_nothing():
    editor = process("code", "code /home/u/selenium-course")
    assert KNOWN.is_automated(process("firefox", "firefox", parent=process("bash", "bash", parent=editor))) is None


def test_flags_of_another_program_above_do_not_count():
    shell = process("make", "make --headless")
    assert KNOWN.is_automated(process("firefox", "firefox", parent=shell)) is None


def test_a_browser_above_another_program_is_another_browser():
    far = process("chrome", "/opt/google/chrome/chrome --headless")
    assert KNOWN.is_automated(process("firefox", "firefox", parent=process("make", "make", parent=far))) is None


def test_builds_that_nobody_drives_are_automated_by_themselves():
    assert KNOWN.browser("chrome-headless-shell").automation
    assert KNOWN.is_automated(process("chrome-headless-shell", "x"))
