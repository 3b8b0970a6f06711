"""What a benchmark runs beside itself: TLS fronts, and contenders that measure on command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"


class Process:
    """A Python module of ours as a process; it ends when its standard input does."""

    def __init__(self, module: str, *arguments: str, variables: Mapping[str, str] | None = None) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, **path, **(variables or {})},
            text=True,
        )
        self.first = self.read()

    def read(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended with {self.process.wait(10)}")
        return line.strip()

    def ask(self, **command: Any) -> dict[str, Any]:
        """What it answers to `command`; both are a line of JSON."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.read())
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Front(Process):
    """A TLS front with a round trip of `seconds`, before the server at `upstream` or saying `answer`."""

    def __init__(
        self, authority: Authority, *, seconds: float = 0.0, upstream: int = 0, answer: str = ""
    ) -> None:
        arguments = ("--round-trip", str(seconds), "--upstream", str(upstream), "--answer", answer)
        super().__init__("tests.bench.wire", str(authority.certificate), *arguments)
        self.url = f"https://{HOST}:{self.first}"


class Authority:
    """
    Signs the fronts' certificate; `trust` are the variables that make a process believe it.

    It stands behind all of certifi's roots in one file, since reading those is what a new
    connection costs in real life.
    """

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "front.pem"
        roots = folder / "roots.pem"
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
        now = datetime.now(UTC)
        signed = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        ).public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.certificate.write_bytes(signed + private)
        roots.write_bytes(Path(certifi.where()).read_bytes() + signed)
        self.trust = {"REQUESTS_CA_BUNDLE": str(roots), "SSL_CERT_FILE": str(roots)}
