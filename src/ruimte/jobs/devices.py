"""Devices and readers of a lab: who holds a credential, and what their broker lets them do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ruimte.clock import iso
from ruimte.errors import RuimteError
from ruimte.intake.devices import FORMATS, OF_PICTURES, OF_TRACKS
from ruimte.intake.identifiers import read_key
from ruimte.keys.certificate import read_certificate
from ruimte.lab.files import SENSORTHINGS, DeviceEntry
from ruimte.lab.lab import Lab
from ruimte.lab.mistakes import Mistake
from ruimte.lab.rules import key as key_rule
from ruimte.store.credentials import Credential, Credentials, mosquitto_hash


class Line(msgspec.Struct, frozen=True):
    """One device or reader as a list shows it. ``by``: token, certificate or nothing; times as ISO 8601."""

    name: str
    by: str
    state: str
    issued: str | None
    expires: str | None


def credentials_path(lab: Lab, data: Path) -> Path:
    """Where the credentials of a lab are kept."""
    return data / f"{lab.key}.credentials.db"


def device_mistakes(lab: Lab) -> list[Mistake]:
    """What a lab asks of devices that this software cannot give: formats it does not read, a ground of
    what tells no tracks, and keys for what it never takes."""
    known = (SENSORTHINGS, *FORMATS)
    formats = [
        Mistake(
            "sensors.toml",
            f"device {device.key!r} field format",
            f"unknown format {device.format!r}",
            f"choose one of {', '.join(known)}",
        )
        for device in lab.devices.values()
        if device.format not in known
    ]
    keys = [
        Mistake("lab.toml", "field intake.keys", f"key {name!r} is one of people's identifiers", "leave it out: it never enters")
        for name in lab.file.intake.keys
        if (read := read_key(name)).tells or read.holds_address
    ]
    grounds = [mistake for device in lab.devices.values() if (mistake := _ground_mistake(device)) is not None]
    return [*formats, *grounds, *keys]


def _ground_mistake(device: DeviceEntry) -> Mistake | None:
    """A ground from which nothing would ever come."""
    where = f"device {device.key!r} field "
    if device.ground is None or device.format not in (SENSORTHINGS, *FORMATS):
        return None
    if device.format not in OF_TRACKS:
        mend = f"leave [device.ground] out, or choose the format that it sends: {' or '.join(OF_TRACKS)}"
        return Mistake("sensors.toml", where + "format", f"{device.format!r} tells no tracks", mend)
    if device.format in OF_PICTURES and device.ground.homography is None:
        what = f"{device.format!r} tells places in a picture, and there is no homography"
        return Mistake("sensors.toml", where + "ground", what, "add homography = …, which brings them to metres")
    return None


def require_device(lab: Lab, key: str) -> DeviceEntry:
    """The device with this key. Raises ``RuimteError`` where the register holds none."""
    if key not in lab.devices:
        mend = f"the register has {', '.join(lab.devices)}" if lab.devices else "add a [[device]] to sensors.toml"
        raise RuimteError(f"there is no device {key!r}", lab.key, mend)
    return lab.devices[key]


def require_reader_name(name: str, lab: Lab) -> None:
    """Raise ``RuimteError`` where this cannot be a reader's name: it is no key, or a device has it."""
    complaint = key_rule(name)
    if complaint is not None:
        raise RuimteError(complaint[0], "reader", complaint[1])
    if name in lab.devices:
        raise RuimteError(f"{name!r} is a device", "reader", "give the reader another name")


def accept_certificate(credentials: Credentials, device: DeviceEntry, file: Path) -> Credential:
    """Let a device in by the client certificate in a file, for as long as that holds."""
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise RuimteError(str(error.strerror), str(file), "give the file of a certificate") from None
    certificate = read_certificate(octets, str(file))
    credentials.issue_certificate(device.key, certificate.fingerprint, certificate.expires_us)
    return next(each for each in credentials.all() if each.name == device.key)


def device_lines(lab: Lab, credentials: Credentials, now_us: int) -> list[Line]:
    """The devices of the register with their credentials, and credentials of devices that left it."""
    held = {each.name: each for each in credentials.all() if each.kind == "device"}
    lines = [_line(name, held.get(name), now_us) for name in lab.devices]
    gone = [_line(name, credential, now_us) for name, credential in held.items() if name not in lab.devices]
    return [*lines, *(msgspec.structs.replace(line, state=f"{line.state}, not in the register") for line in gone)]


def reader_lines(credentials: Credentials, now_us: int) -> list[Line]:
    """Those who may read."""
    return [_line(each.name, each, now_us) for each in credentials.all() if each.kind == "reader"]


def _line(name: str, held: Credential | None, now_us: int) -> Line:
    if held is None:
        return Line(name, "nothing", "none", None, None)
    by = "certificate" if held.by_certificate else "nothing" if held.revoked_us is not None else "token"
    expires = None if held.expires_us is None else iso(held.expires_us)
    return Line(name, by, held.state(now_us), iso(held.issued_us), expires)


# --- the broker ---------------------------------------------------------------------------------------------------------


def mosquitto_files(
    lab: Lab, stream_ids: Mapping[str, int], credentials: Credentials, node: tuple[str, str], now_us: int
) -> dict[str, str]:
    """Mosquitto's password file and ACL file, by name: each device may only publish its own, readers may only read.

    ``node`` is the user and password by which the node itself talks to the broker. Raises ``RuimteError`` where a datastream is
    not in the store yet, or where the node's user cannot be one.
    """
    user, password = node
    if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", user) is None or user in {each.name for each in credentials.all()}:
        raise RuimteError("is no name for the node's user", user, "choose letters and digits, and no device's or reader's name")
    valid = [each for each in credentials.all() if each.mqtt is not None and each.state(now_us) == "valid"]
    known = [each for each in valid if each.kind == "reader" or each.name in lab.devices]
    rights = {each.name: list(_rights(lab, each, stream_ids)) for each in known}
    passwords = [f"{user}:{mosquitto_hash(password)}", *(f"{each.name}:{each.mqtt}" for each in known)]
    acl = [f"user {user}\ntopic readwrite #\ntopic read $SYS/#\n"]
    acl += ["\n".join([f"user {name}", *(f"topic {right}" for right in allowed), ""]) for name, allowed in rights.items()]
    return {"passwords": "\n".join([*passwords, ""]), "acl": "\n".join(acl)}


def _rights(lab: Lab, held: Credential, stream_ids: Mapping[str, int]) -> Iterator[str]:
    if held.kind == "reader":
        yield "read v1.1/#"
        return
    device = lab.devices[held.name]
    if device.format != SENSORTHINGS:
        yield f"write {lab.topic(device)}"
        return
    for sensor in device.sensors:
        for measure in lab.sensors[sensor].measures:
            stream = f"{sensor}/{measure}"
            if stream not in stream_ids:
                raise RuimteError("the database does not know this datastream yet", stream, "start the node once, then try again")
            yield f"write v1.1/Datastreams({stream_ids[stream]})/Observations"


def write_private(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write files that only their owner can read; each is there whole or not at all."""
    paths = [folder / name for name in files]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, files.values(), strict=True):
            part = path.with_name(f"{path.name}.part")
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            part.replace(path)
    except OSError as error:
        raise RuimteError(str(error.strerror), str(folder), "choose a folder that can be written") from None
    return paths
