"""Download the libraries of the page from npm, at pinned versions, as `make vendor` does.

Each package's archive is checked against the digest below before anything is taken from it. Imports of a
package by its name are rewritten to import the file beside the importing one, because a page without a build
step has no other way to find the package. ONNX Runtime's WebAssembly is stored compressed: 3.7 MB, not 14.

`packages.json` beside the files describes each; `tests/serving/test_page_files.py` checks them against it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import re
import tarfile
from pathlib import Path

import urllib3

from voxlet.files import write_atomically

FOLDER = Path(__file__).parent.parent / "src" / "voxlet" / "serving" / "page" / "vendor"
REGISTRY = "https://registry.npmjs.org"
ORT_LICENCE = """MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""  # the archive of onnxruntime-web holds no licence

# Name, version, SHA-512 of the archive in base64 as npm gives it, licence, files taken.
PACKAGES = (
    (
        "preact",
        "11.2.0",
        "/HfHI/7N84e6GrWBJ3J280z3mLaRJiDcSvj/A+y/4AbLnND/1UlGHe1sR6oYuTGwId0nP7dqDU9OnLxMPZ7xBg==",
        "MIT",
        {"dist/preact.mjs": "preact.js", "hooks/dist/hooks.mjs": "preact-hooks.js"},
    ),
    (
        "htm",
        "3.1.1",
        "983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        "Apache-2.0",
        {"dist/htm.module.js": "htm.js"},
    ),
    (
        "@preact/signals-core",
        "1.14.5",
        "vcRv7Ityz5JVmeiVqIluLFzT/PDS/AlhHUpw3/aUWqcVUs6bDGIPXE/6RSC4evBNWYvnniozg5Syfj33al3gkg==",
        "MIT",
        {"dist/signals-core.module.js": "signals-core.js"},
    ),
    (
        "@preact/signals",
        "2.11.4",
        "Rb+5RPo9gWSaHtzJeauhHxiC8KP/IF2DEPkHPEOGOnuy2wnJzRqyeLRankUCYd6ADqtxS6GnWGv6Ie343d8aYw==",
        "MIT",
        {"dist/signals.module.js": "signals.js"},
    ),
    (
        "onnxruntime-web",
        "1.30.0",
        "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
        "MIT",
        {
            "dist/ort.wasm.bundle.min.mjs": "onnxruntime.js",
            "dist/ort-wasm-simd-threaded.wasm": "onnxruntime.wasm.gz",
        },
    ),
)
NAMED = {
    "preact": "preact.js",
    "preact/hooks": "preact-hooks.js",
    "@preact/signals-core": "signals-core.js",
}
SOURCE_MAP = re.compile(rb"\n//# sourceMappingURL=.*\n?$")


def archive(name: str, version: str, digest: str) -> tarfile.TarFile:
    """Download a package's archive; exit if it is not the one that was pinned."""
    address = f"{REGISTRY}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    answer = urllib3.request("GET", address, timeout=120.0)
    found = base64.b64encode(hashlib.sha512(answer.data).digest()).decode()
    if answer.status != 200 or found != digest:
        raise SystemExit(f"{address}: not the archive that was pinned (status {answer.status}, {found})")
    return tarfile.open(fileobj=io.BytesIO(answer.data))


def member(held: tarfile.TarFile, name: str) -> bytes | None:
    """The content of a file in the archive; None if it is not there."""
    try:
        file = held.extractfile(f"package/{name}")
    except KeyError:
        return None
    return file.read() if file else None


def rewritten(source: bytes) -> bytes:
    """A module that imports the files beside it, without the reference to its source map."""
    for name, file in NAMED.items():
        source = source.replace(f'from"{name}"'.encode(), f'from"./{file}"'.encode())
    return SOURCE_MAP.sub(b"\n", source)


def main() -> None:
    """Write all files, their licences and `packages.json`."""
    described, licences = [], []
    for name, version, digest, licence, files in PACKAGES:
        held = archive(name, version, digest)
        text = (member(held, "LICENSE") or ORT_LICENCE.encode()).decode().strip()
        licences.append(f"{name} {version}, {licence}\n\n{text}\n")
        digests = {}
        for source, target in files.items():
            content = member(held, source)
            assert content is not None, source
            content = content if source.endswith(".wasm") else rewritten(content)
            digests[target] = hashlib.sha256(content).hexdigest()
            packed = gzip.compress(content, 9, mtime=0) if target.endswith(".gz") else content
            write_atomically(FOLDER / target, packed)
        described.append({"name": name, "version": version, "licence": licence, "files": digests})
    write_atomically(FOLDER / "packages.json", f"{json.dumps(described, indent=2)}\n".encode())
    write_atomically(FOLDER / "LICENCES.txt", f"\n{'-' * 40}\n\n".join(licences).encode())


if __name__ == "__main__":
    main()
