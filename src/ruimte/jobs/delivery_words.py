"""Sentences of what goes out, and of what became of it."""

from __future__ import annotations

SENTENCES: dict[str, dict[str, str]] = {
    "notice.decided": {
        "en": "Warning {warning}, {place}: measure taken: {measure}.",
        "nl": "Waarschuwing {warning}, {place}: maatregel genomen: {measure}.",
    },
    "notice.declined": {
        "en": "Warning {warning}, {place}: no measure taken.",
        "nl": "Waarschuwing {warning}, {place}: geen maatregel genomen.",
    },
    "notice.other": {
        "en": "Warning {warning}, priority {priority}: {place}, {level}.",
        "nl": "Waarschuwing {warning}, prioriteit {priority}: {place}, {level}.",
    },
    "notice.test": {
        "en": "Test of channel {channel}. Nothing is wrong.",
        "nl": "Proef van kanaal {channel}. Er is niets aan de hand.",
    },
    "notice.exercise": {"en": "EXERCISE", "nl": "OEFENING"},
    "log.channel-failed": {
        "en": "Channel {channel} does not take messages: {why} They are kept and tried again.",
        "nl": "Kanaal {channel} neemt geen berichten aan: {why} Ze worden bewaard en opnieuw geprobeerd.",
    },
    "log.channel-given-up": {
        "en": "Not delivered on channel {channel}, given up: warning {warning}, {place}. {why}",
        "nl": "Niet bezorgd via kanaal {channel}, opgegeven: waarschuwing {warning}, {place}. {why}",
    },
    "log.channel-heard": {
        "en": "Channel {channel} takes messages again.",
        "nl": "Kanaal {channel} neemt weer berichten aan.",
    },
    "trouble.unknown-host": {"en": "the name {host} is not known.", "nl": "de naam {host} is niet bekend."},
    "trouble.private": {
        "en": "{host} is not on the public internet, and the channel does not allow that.",
        "nl": "{host} ligt niet op het openbare internet, en het kanaal staat dat niet toe.",
    },
    "trouble.no-answer": {"en": "no answer within {seconds} s.", "nl": "geen antwoord binnen {seconds} s."},
    "trouble.unreachable": {"en": "nobody answers there.", "nl": "daar antwoordt niemand."},
    "trouble.broken-off": {"en": "the connection was broken off.", "nl": "de verbinding werd verbroken."},
    "trouble.tls": {
        "en": "the connection cannot be trusted ({reason}).",
        "nl": "de verbinding is niet te vertrouwen ({reason}).",
    },
    "trouble.status": {"en": "the receiver answered {status}.", "nl": "de ontvanger antwoordde {status}."},
    "trouble.redirect": {
        "en": "the receiver points elsewhere ({status}), which is not followed.",
        "nl": "de ontvanger verwijst naar elders ({status}); dat wordt niet gevolgd.",
    },
    "trouble.credentials": {
        "en": "the receiver does not accept user and password.",
        "nl": "de ontvanger weigert gebruiker en wachtwoord.",
    },
    "trouble.no-encryption": {
        "en": "the server offers no encryption, and the channel does not allow that.",
        "nl": "de server biedt geen versleuteling, en het kanaal staat dat niet toe.",
    },
    "trouble.too-old": {"en": "it became too old.", "nl": "het werd te oud."},
    "trouble.forgotten": {
        "en": "what it was about is not kept any more.",
        "nl": "waar het over ging wordt niet meer bewaard.",
    },
    "trouble.own": {
        "en": "the node itself could not send it ({reason}).",
        "nl": "de node zelf kon het niet versturen ({reason}).",
    },
}
