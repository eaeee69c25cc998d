"""What is sent for a block and a message: one function for each type of block that can send."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from runwright.server.outbound import Request, merged

Data = Mapping[str, Any]
_JSON = {"Content-Type": "application/json"}


class NoSender(Exception):
    """A block of a type that nothing can be sent by, or one that lacks what is needed."""


def notification(slug: str, data: Data, subject: str, body: str) -> Request:
    """A message for people.

    Raises:
        NoSender: says why.
    """
    make = _NOTIFIERS.get(slug)
    if make is None:
        known = ", ".join(sorted(_NOTIFIERS))
        raise NoSender(
            f"Notifications cannot be sent by a block of the type {slug!r}. By: {known}."
        )
    return make(data, subject, body)


def webhook(slug: str, data: Data, payload: str) -> Request:
    """A call of an address. JSON goes as such, anything else as text.

    Raises:
        NoSender: says why.
    """
    if slug != "webhook":
        raise NoSender(f"A call goes by a block of the type 'webhook', not {slug!r}.")
    try:
        json.loads(payload)
    except ValueError:
        kind = {"Content-Type": "text/plain; charset=utf-8"}
    else:
        kind = _JSON
    return Request(
        method=str(data.get("method") or "POST"),
        url=_needed(data, "url"),
        headers=merged(kind, _texts(data, "headers")),
        body=payload.encode(errors="replace"),
    )


def identified(request: Request, key: str, agent: str) -> Request:
    """The request with the key by which its receiver knows a repetition."""
    headers = merged({"User-Agent": agent}, request.headers, {"Idempotency-Key": key})
    return Request(method=request.method, url=request.url, headers=headers, body=request.body)


def _plain(data: Data, subject: str, body: str) -> Request:
    return webhook("webhook", data, json.dumps({"subject": subject, "body": body}))


def _slack(data: Data, subject: str, body: str) -> Request:
    return _json(_needed(data, "url"), {"text": f"*{subject}*\n{body}"})


def _teams(data: Data, subject: str, body: str) -> Request:
    lines = [
        {"type": "TextBlock", "text": subject, "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": body, "wrap": True},
    ]
    card = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": {"type": "AdaptiveCard", "version": "1.4", "body": lines},
    }
    return _json(_needed(data, "url"), {"type": "message", "attachments": [card]})


def _discord(data: Data, subject: str, body: str) -> Request:
    id_, token = _needed(data, "webhook_id"), _needed(data, "webhook_token")
    content = f"**{subject}**\n{body}"[:2_000]  # it takes no more
    return _json(f"https://discord.com/api/webhooks/{id_}/{token}", {"content": content})


def _mattermost(data: Data, subject: str, body: str) -> Request:
    scheme = "http" if data.get("secure") is False else "https"
    port = f":{data['port']}" if data.get("port") else ""
    url = f"{scheme}://{_needed(data, 'hostname')}{port}/hooks/{_needed(data, 'token')}"
    return _json(url, {"text": f"**{subject}**\n{body}"})


def _custom(data: Data, subject: str, body: str) -> Request:
    """An address, headers and a body of the user's own, with names in double braces in them."""
    values = {
        **_texts(data, "secrets"),
        "subject": subject,
        "body": body,
        "name": str(data.get("name") or ""),
    }

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            for name, text in values.items():
                value = value.replace("{{" + name + "}}", text)
            return value
        if isinstance(value, list):
            return [fill(each) for each in value]
        if isinstance(value, Mapping):
            return {key: fill(each) for key, each in value.items()}
        return value

    url = fill(_needed(data, "url"))
    if data.get("params"):
        url += ("&" if "?" in url else "?") + urlencode(fill(data["params"]))
    headers = fill(_texts(data, "headers"))
    if data.get("cookies"):
        cookies = fill(data["cookies"]).items()
        joined = "; ".join(f"{name}={value}" for name, value in cookies)
        headers = merged(headers, {"Cookie": joined})
    method = str(data.get("method") or "POST")
    if data.get("json_data") is not None:
        content = json.dumps(fill(data["json_data"])).encode()
        return Request(method=method, url=url, headers=merged(_JSON, headers), body=content)
    form = urlencode(fill(data.get("form_data") or {})).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    return Request(method=method, url=url, headers=merged(kind, headers), body=form)


def _json(url: str, content: Any) -> Request:
    return Request(method="POST", url=url, headers=_JSON, body=json.dumps(content).encode())


def _needed(data: Data, field: str) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not value:
        raise NoSender(f"The block has no {field}.")
    return value


def _texts(data: Data, field: str) -> dict[str, str]:
    return {str(name): str(value) for name, value in (data.get(field) or {}).items()}


_NOTIFIERS: dict[str, Callable[[Data, str, str], Request]] = {
    "custom-webhook": _custom,
    "discord-webhook": _discord,
    "mattermost-webhook": _mattermost,
    "ms-teams-webhook": _teams,
    "slack-webhook": _slack,
    "webhook": _plain,
}
