"""The page in headless Chromium, light and dark, on a desktop and on a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.output.deployment import page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
# As blink::mojom::PreferredColorScheme counts them.
SCHEMES = {"dark": 0, "light": 1}
DESKTOP, PHONE = 1100, 400
# A window is at least 500 wide, so the page is shown in frames.
HARNESS = """<!doctype html>
<meta charset="utf-8"><meta name="color-scheme" content="light dark">
{frames}
<script>
addEventListener("load", () => {{
  const seen = [...document.querySelectorAll("iframe")].map((frame) => {{
    const page = frame.contentDocument, root = page.documentElement;
    const style = frame.contentWindow.getComputedStyle(page.body);
    let box = null;
    const outside = [];
    for (const each of page.querySelectorAll("svg > rect, svg > text")) {{
      if (each.tagName === "rect") {{ box = each.getBBox(); continue; }}
      const text = each.getBBox();
      if (text.x + text.width > box.x + box.width || text.y + text.height > box.y + box.height)
        outside.push(each.textContent);
    }}
    return {{
      width: root.clientWidth, content: root.scrollWidth, mode: page.compatMode,
      text: style.color, ground: style.backgroundColor, outside,
      bars: [...page.querySelectorAll(".bar")].map((bar) => bar.getBoundingClientRect().width),
      fetched: frame.contentWindow.performance.getEntriesByType("resource").length,
    }};
  }});
  document.body.append(Object.assign(document.createElement("pre"),
    {{ id: "seen", textContent: JSON.stringify(seen) }}));
}});
</script>
"""


def looked_at(shown: str, folder: Path, scheme: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what each frame, desktop and phone, measured, and the console's messages."""
    frames = [
        f'<iframe width="{width}" height="900" style="border: 0" srcdoc="{html.escape(shown)}">'
        "</iframe>"
        for width in (DESKTOP, PHONE)
    ]
    file = folder / "harness.html"
    file.write_text(HARNESS.format(frames="".join(frames)), encoding="utf-8")
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            "--enable-logging=stderr",
            *(
                f"--user-data-dir={folder / 'profile'}",
                f"--window-size={DESKTOP + PHONE + 100},1000",
            ),
            *(f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", "--dump-dom", str(file)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr
    seen: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return seen, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def luminance(color: str) -> float:
    """Return the relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    shares = [int(each) / 255 for each in re.findall(r"\d+", color)[:3]]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_looks_right(scheme: str, tmp_path: Path) -> None:
    seen, messages = looked_at(page(["tags=" + "long" * 100]), tmp_path, scheme)
    assert messages == []
    assert [each["width"] for each in seen] == [DESKTOP, PHONE]
    for each in seen:
        assert each["mode"] == "CSS1Compat"
        assert each["content"] <= each["width"], "the page itself must not scroll sideways"
        assert each["fetched"] == 0
        assert each["outside"] == [], "texts that do not fit into their boxes"
        assert min(each["bars"]) > 0
        text, ground = luminance(each["text"]), luminance(each["ground"])
        assert (text > ground) is (scheme == "dark")
        lighter, darker = max(text, ground), min(text, ground)
        assert (lighter + 0.05) / (darker + 0.05) > 7, (
            "https://www.w3.org/TR/WCAG22/#contrast-enhanced"
        )


def test_a_page_that_is_too_wide_is_detected(tmp_path: Path) -> None:
    wide = page().replace("<main>", '<main><div style="width: 900px">wide</div>')
    (desktop, phone), _ = looked_at(wide, tmp_path, "light")
    assert desktop["content"] == DESKTOP
    assert phone["content"] > PHONE
