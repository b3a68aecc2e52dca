"""From a self-contained page to a PDF, by a Chromium that is on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from ruimte.errors import RuimteError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
TIMEOUT_S = 60.0
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pdf-header-footer",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # a page holds all it needs: nothing is fetched
)


def find_chromium() -> str | None:
    """The browser that makes PDFs: the one that ``CHROMIUM`` names, else one in ``PATH``; None where there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return shutil.which(named)
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def to_pdf(html: str, timeout_s: float = TIMEOUT_S) -> bytes:
    """A page as PDF. Blocks until the browser is done: call it in a thread.

    The page is the node's own and holds no scripts; the browser gets no network, and a profile that is thrown away.
    Raises ``RuimteError`` where there is no browser, or it fails or takes longer than ``timeout_s``.
    """
    browser = find_chromium()
    if browser is None:
        raise RuimteError(
            "no Chromium is found to make a PDF with", "CHROMIUM", "install chromium, name it in CHROMIUM, or print the HTML"
        )
    with tempfile.TemporaryDirectory(prefix="ruimte-pdf-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(html, encoding="utf-8")
        command = [browser, *_FLAGS, f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", source.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
        except subprocess.TimeoutExpired:
            raise RuimteError(
                f"took longer than {timeout_s:g} s to make the PDF", browser, "try again, or print the HTML"
            ) from None
        except OSError as error:
            raise RuimteError(f"cannot be started ({error.strerror})", browser, "name another browser in CHROMIUM") from None
        if not target.exists():
            said = done.stderr.decode(errors="replace").strip().splitlines()
            why = said[-1][:200] if said else f"exit code {done.returncode}"
            raise RuimteError(f"made no PDF ({why})", browser, "name another browser in CHROMIUM, or print the HTML")
        return target.read_bytes()
