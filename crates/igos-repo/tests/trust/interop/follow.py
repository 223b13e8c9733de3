"""Follows a repository with the reference client, over HTTP on loopback.

follow.py REPOSITORY STATE ANCHOR [TARGET]...

REPOSITORY is the directory that is served; STATE keeps what the client was told; ANCHOR is the first root's file.
Prints one JSON object: the versions that are trusted, and the SHA-256 of each target that was downloaded; or the name
of the exception that ended it.
"""

import functools
import hashlib
import http.server
import json
import os
import pathlib
import sys
import threading

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.api.metadata import Metadata
from tuf.ngclient import Updater

repository, state, anchor, *targets = sys.argv[1:]
for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
    os.environ.pop(name, None)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Handler, directory=repository)
)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}"
downloads = pathlib.Path(state, "downloads")
metadata = pathlib.Path(state, "metadata")
for directory in (downloads, metadata):
    directory.mkdir(parents=True, exist_ok=True)
try:
    updater = Updater(
        str(metadata),
        f"{base}/metadata/",
        str(downloads),
        f"{base}/targets/",
        bootstrap=pathlib.Path(anchor).read_bytes(),
    )
    updater.refresh()
    found = {}
    for target in targets:
        info = updater.get_targetinfo(target)
        if info is None:
            found[target] = None
            continue
        path = updater.download_target(info)
        found[target] = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    versions = {
        role: Metadata.from_file(str(metadata / f"{role}.json")).signed.version
        for role in ("root", "timestamp", "snapshot", "targets")
    }
    print(json.dumps({"versions": versions, "targets": found}))
except (RepositoryError, DownloadError) as error:
    print(json.dumps({"error": type(error).__name__}))
