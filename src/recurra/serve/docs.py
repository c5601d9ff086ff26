"""A page of the routes, made of their OpenAPI description; nothing of it comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any


def page(schema: dict[str, Any]) -> str:
    """Return the page of an OpenAPI description."""
    head = escape(f"{schema['info']['title']} {schema['info']['version']}")
    parts = "".join(
        part
        for path, methods in schema["paths"].items()
        for method, route in methods.items()
        for part in _route(path, method, route, schema)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{head}</title>'
        '<link rel="stylesheet" href="style.css"></head><body><main>'
        f"<h1>{head}</h1><p>{escape(schema['info']['description'])}</p>"
        '<p><a href="openapi.json">openapi.json</a> · <a href="./">try the models</a></p>'
        f"{parts}</main></body></html>"
    )


def _route(path: str, method: str, route: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    yield f"<section><h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
    yield f"<p>{escape(route.get('description', ''))}</p>"
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {})
    if reference := body.get("schema", {}).get("$ref"):
        fields = schema["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"]
        rows = "".join(
            f"<tr><td><code>{escape(name)}</code></td>"
            f"<td>{escape(str(one.get('type', 'any')))}</td>"
            f"<td>{escape(one.get('description', ''))}</td></tr>"
            for name, one in fields.items()
        )
        yield f"<table><tr><th>field</th><th>type</th><th>what it is</th></tr>{rows}</table>"
    yield "</section>"
