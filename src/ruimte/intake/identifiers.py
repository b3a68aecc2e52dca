"""What identifies a person, or what a person carries: known by its shape, or by the key that it stands under.

Counts, times, places and versions must pass, so each rule is as narrow as its shape allows:

- What hardly anything else looks like is an identifier wherever it stands: addresses of devices and of the internet, e-mail
  addresses, phone numbers, plates written as on cars, the numbers of phones and citizens as text, pictures in base64.
- What other things look like too is one only under a key that says so: 12 hexadecimal digits under ``mac``, a number under
  ``bsn``.
- A number is never judged by its shape, or every large count would be suspect. Four numbers with dots under ``version`` or
  ``firmware`` are no address. A text of 9 digits passes the test of a BSN one time in eleven by chance, so under ``serial``,
  ``time``, ``count`` or ``frequency`` it is let by.
- A hash of an identifier counts as one: all addresses there are can be hashed in seconds, so what it was made of is found back.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

# --- keys ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """What a key says of its value.

    ``shown``: the key, fit to be shown. ``identifier``: the kind of the key itself, where it is an identifier. ``tells``: kinds
    that the key gives away, each with what its value must be. ``is_name``: of a person, where it stands inside what
    ``is_person``. ``is_header``: what stands there is of the device itself. ``is_link``: a link that a client read from this
    server. ``is_plain``: ``gives_away`` finds nothing, so that it need not be asked.
    """

    shown: str = ""
    identifier: str | None = None
    tells: tuple[tuple[str, Callable[[object], bool]], ...] = ()
    is_name: bool = False
    is_person: bool = False
    is_header: bool = False
    is_link: bool = False
    is_plain: bool = True
    holds_address: bool = False
    holds_version: bool = False
    holds_serial: bool = False

    def gives_away(self, value: object, within: Key) -> str | None:
        """The kind of identifier that a value must be because it stands under this key, inside what stands under ``within``."""
        if self.identifier is not None:
            return self.identifier
        for kind, holds in self.tells:
            if not isinstance(value, bool) and holds(value):
                return kind
        return "a person's name" if self.is_name and within.is_person and _filled(value) else None


def _digits(least: int) -> Callable[[object], bool]:
    """A rule: a text or whole number with at least so many digits."""
    return lambda value: isinstance(value, str | int) and sum(map(str.isdigit, str(value)[:64])) >= least


def _filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _some(value: object) -> bool:
    return value not in ("", [], {}) and isinstance(value, str | int | float | list | dict)


def _picture(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9+/_=\s-]{64,}", value) is not None


def _parts(value: object) -> bool:
    return bool(value) if isinstance(value, list | dict) else isinstance(value, str) and len(value) >= 16


_OF = r"(?:mac|addr|address|device|client|visitor|person|phone|plate)s?"
_HASH = r"(?:hash|hashed|sha\d*|md5)"
_TELLING: tuple[tuple[str, Callable[[object], bool], str], ...] = (
    ("a number plate", lambda value: _filled(value) or _parts(value), r"(?:licen[cs]e_?|number_?)?plates?(?:_?(?:number|text))?"),
    ("a number plate", _filled, r"kenteken(?:_.*)?|kennzeichen|nummerplaat"),
    ("a citizen's number", _digits(8), r"(?:.*_)?(?:bsn|sofi|ssn|citizen)(?:_.*)?|burgerservicenummer|rijksregisternummer"),
    ("a travel document", _filled, r"passport(?:_.*)?|paspoort(?:_.*)?|(?:identity|id)_?card(?:_.*)?|ov_?chip(?:_.*|kaart)?"),
    ("a phone's number", _digits(8), r"(?:.*_)?(?:imsi|imei|msisdn|iccid|tmsi)(?:_.*)?"),
    ("a phone number", _digits(7), r"(?:.*_)?(?:tele|mobile_?)?(?:phone|foon|telefoon)(?:_?(?:number|nr|nummer))?|mobile|mobiel"),
    ("a face", _parts, r"(?:.*_)?(?:faces?|gezicht(?:en)?)"),
    ("a face", _some, r"(?:.*_)?face_?(?:id|print|vector|image|descriptor|embedding)"),
    ("a biometric feature", _some, r"(?:.*_)?(?:biometrics?|embeddings?|fingerprint|iris|gait|voiceprint|re_?id)(?:_.*)?"),
    ("a picture", _picture, r"(?:.*_)?(?:image|photo|foto|picture|snapshot|thumbnail|jpe?g|png|crop)(?:_.*)?"),
    ("a hash of an identifier", _digits(4), rf"(?:.*_)?(?:{_OF}_?{_HASH}|{_HASH}_?{_OF})(?:_.*)?"),
    ("a person's name", _filled, r"(?:person|visitor|full|first|last|sur|given|family|user)_?name|(?:voor|achter)naam"),
)
_TELLS = tuple((kind, rule, re.compile(words)) for kind, rule, words in _TELLING)
_NAME = re.compile(r"name|naam")
_PERSON = re.compile(r"(?:.*_)?(?:persons?|people|visitors?|faces?|users?|customers?|passengers?|persoon|personen|bezoekers?)")
_HEADER = re.compile(r"device_info|sensor_info|package_info|end_device_ids|gateway_ids|serial|serial_?(?:number|no|nr)")
_ADDRESS = re.compile(
    r"(?:.*_)?(?:b?ssid|macs?|macaddr(?:ess)?|addr(?:ess)?(?:es)?|probes?|clients?|ble|bluetooth|wi_?fi)(?:_.*)?"
)
_VERSION = re.compile(r"(?:.*_)?(?:version|firmware|fw|software|sw|hardware|hw|release|build)(?:_.*)?|.*version")
_SERIAL = re.compile(
    r"(?:.*_)?(?:serial|serial_?number|sn|time|timestamp|sequence|seq|counts?|counter|frame|frequency|freq)(?:_.*)?"
)


def read_key(name: str) -> Key:
    """What a key says, however it is written: ``macAddress``, ``mac-address`` and ``MAC_ADDRESS`` are one."""
    return _read_known_key(name) if len(name) <= _LONG else _read_key(name)


def _read_key(name: str) -> Key:
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:100]).lower()).strip("_")
    identifier = read_text(name.partition("@iot.")[0], Key())
    tells = tuple((kind, rule) for kind, rule, pattern in _TELLS if pattern.fullmatch(words))
    is_name = _NAME.fullmatch(words) is not None
    return Key(
        shown=name if identifier is None and re.fullmatch(r"[\w@.$-]{1,40}", name, re.ASCII) else "…",
        tells=tells,
        is_name=is_name,
        is_person=_PERSON.fullmatch(words) is not None,
        is_header=_HEADER.fullmatch(words) is not None,
        is_link=name.endswith(("@iot.selfLink", "@iot.navigationLink", "@iot.nextLink")),
        is_plain=identifier is None and not tells and not is_name,
        holds_address=_ADDRESS.fullmatch(words) is not None,
        holds_version=_VERSION.fullmatch(words) is not None,
        holds_serial=_SERIAL.fullmatch(words) is not None,
        identifier=identifier,
    )


_LONG = 64
_read_known_key = lru_cache(maxsize=4096)(_read_key)  # long keys are no device's, and would fill the memory


# --- shapes -------------------------------------------------------------------------------------------------------------

# Every identifier below holds one of these; most texts hold none, and are done with one search. All patterns are bounded, so that
# a long text costs no more than its length.
_SUSPECT = re.compile(
    r"[0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}[:-][0-9A-Fa-f]{2}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.|\d\.\d{1,3}\.\d|:[0-9A-Fa-f]{0,4}:"
    r"|@|\d{9}|[0-9A-Fa-f]{12}|[+0]\d[\d ()/.-]{7}|(?:/9j/|iVBORw0KGgo|R0lGOD|UklGR|data:image)"
    r"|^\s*[0-9A-ZÄÖÜ]{1,3}-[0-9A-Z]{1,3}[ -]\d"
    r"|^\s*[0-9A-Z]{1,3}-[0-9A-Z]{2,3}-[A-Z]"
)
_UNSUSPECTED = re.compile(
    r"[^\d@:-]*"
    r"|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?:/[\dT:.Z+-]{1,40})?"
)
"""Words, and dates and times of ISO 8601: most texts of a payload are these."""

_RELEASE = re.compile(r"[A-Za-z]{0,4}[-_ ]?\d{1,5}(?:\.\d{1,5}){1,4}(?:[-+_.][A-Za-z]\w{0,15})?")
"""What a version looks like: V_31.1.0.1-r1, CC-3.1.0.2, 11.8.64."""

_MAC = re.compile(
    r"(?<![\w:.-])(?:[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}(?:[0-9A-Fa-f]{2}\1[0-9A-Fa-f]{2}\1)?[0-9A-Fa-f]{2}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![\w:-])"
    r"|\b[Mm][Aa][Cc]\W{1,2}[0-9A-Fa-f]{12}"
)
_BARE_ADDRESS = re.compile(r"(?:[0-9A-Fa-f]{12}|[0-9A-Fa-f]{16})")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_MAIL = re.compile(r"(?<=[\w.%+-])@[A-Za-z0-9-]{1,63}\.[A-Za-z0-9]")
_PHONE = re.compile(
    r"(?<![\w.,+-])(?:(?:\+|00(?=3[12]|49))[1-9]\d{0,2}(?:[ ()-]{0,2}\d){8,12}"
    r"|06[ -]?\d{8}|06(?: \d\d){4}|01[567]\d[ /-]?\d{7,8}|04[5-9]\d[ ./]?\d\d[ ./]?\d\d[ ./]?\d\d)(?![\w.,-])"
)
_PICTURE = re.compile(r"data:image/|(?:^|[\s\"',])(?:/9j/|iVBORw0KGgo|R0lGOD[lh]|UklGR)[A-Za-z0-9+/_-]{48}")

_L = "[BDFGHJKLMNPRSTVWXYZ]"
"""Letters of Dutch plates: no vowels, no C, no Q."""
_PLATE = re.compile(
    rf"{_L}{{2}}-\d\d-\d\d|\d\d-\d\d-{_L}{{2}}|\d\d-{_L}{{2}}-\d\d|{_L}{{2}}-\d\d-{_L}{{2}}|{_L}{{2}}-{_L}{{2}}-\d\d"
    rf"|\d\d-{_L}{{2}}-{_L}{{2}}|\d\d-{_L}{{3}}-\d|\d-{_L}{{3}}-\d\d|{_L}{{2}}-\d{{3}}-{_L}|{_L}-\d{{3}}-{_L}{{2}}"
    rf"|{_L}{{3}}-\d\d-{_L}|{_L}-\d\d-{_L}{{3}}|\d-{_L}{{2}}-\d{{3}}|\d{{3}}-{_L}{{2}}-\d"  # the Netherlands, series 1 to 14
    r"|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \d{1,4}[EH]?"  # Germany
    r"|\d-[A-Z]{3}-\d{3}"  # Belgium
)


def read_text(text: str, key: Key, *, of_device: bool = False) -> str | None:
    """The kind of identifier that a text is or holds, or None; ``of_device``: addresses here are the device's own.

    >>> read_text("00:1a:2b:3c:4d:5e", Key()), read_text("2026-11-24T20:00:00Z", Key())
    ("a device's address", None)
    """
    if _UNSUSPECTED.fullmatch(text) or _SUSPECT.search(text) is None:
        return None
    if key.holds_version and _RELEASE.fullmatch(text):
        return None
    if not of_device:
        if _MAC.search(text) or (key.holds_address and _BARE_ADDRESS.fullmatch(text.strip())):
            return "a device's address"
        if any(map(_is_internet_address, (*_IPV4.findall(text), *_IPV6.findall(text)))):
            return "an internet address"
    if _MAIL.search(text):
        return "an e-mail address"
    if _PICTURE.search(text):
        return "a picture"
    whole = text.strip()
    if _PLATE.fullmatch(whole):
        return "a number plate"
    if key.holds_serial:
        return None
    if _PHONE.search(text):
        return "a phone number"
    if re.fullmatch(r"\d{9}", whole, re.ASCII) and _passes_eleven_test(whole):
        return "a citizen's number"
    if re.fullmatch(r"\d{15}", whole, re.ASCII) and not of_device and (_passes_luhn(whole) or whole[0] in "234567"):
        return "a phone's number"
    return None


def _is_internet_address(text: str) -> bool:
    """Whether it is the address of somebody: not that of the machine itself, nor the empty one, nor a few letters with colons."""
    if ":" in text and sum(map(str.isalnum, text)) < 5:
        return False
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _passes_eleven_test(digits: str) -> bool:
    """The test of a Dutch BSN: 9·a + 8·b + … + 2·h − i is a multiple of 11, and not of nine zeros."""
    total = sum(weight * int(digit) for weight, digit in zip((9, 8, 7, 6, 5, 4, 3, 2, -1), digits, strict=True))
    return total % 11 == 0 and digits != "000000000"


def _passes_luhn(digits: str) -> bool:
    """The test of an IMEI (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0
