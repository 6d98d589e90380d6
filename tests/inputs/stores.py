"""Stores on loopback: a real S3 server in this process, and a web server that is as plain as they come."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "lake"


def s3_environment(port: int) -> dict[str, str]:
    """Return what tells every process where the store is."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def s3(port: int = 0) -> Iterator[Any]:
    """Run an S3 server; gives a client of it (boto3). Skips without moto."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: no S3")
    server = pytest.importorskip("moto.server", reason="moto and flask are not installed: no S3 server")
    boto3 = pytest.importorskip("boto3")
    running = server.ThreadedMotoServer("127.0.0.1", port, verbose=False)
    running.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in s3_environment(running.get_host_and_port()[1]).items():
                patch.setenv(name, value)
            client = boto3.client("s3")
            client.create_bucket(Bucket=BUCKET)
            yield client
    finally:
        running.stop()


def uploaded(client: Any, folder: Path, name: str) -> str:
    """Copy a folder; its URL."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            client.put_object(Bucket=BUCKET, Key=f"{name}/{file.relative_to(folder)}", Body=file.read_bytes())
    return f"s3://{BUCKET}/{name}"


class _Plain(http.server.BaseHTTPRequestHandler):
    """Gives whole files, to whoever knows the password of those that want one."""

    files: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = self.files.get(self.path)
        closed = self.path.startswith("/closed") and self.headers["Authorization"] is None
        self.send_response(401 if closed else 200 if body is not None else 404)
        body = body if body is not None and not closed else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the standard library's names

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def web(files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Serve ``files``; gives the address (``host:port``) and the paths asked for."""
    handler = type("Handler", (_Plain,), {"files": files, "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", handler.asked
        server.shutdown()
        thread.join()
