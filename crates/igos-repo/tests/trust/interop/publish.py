"""Makes a repository with the reference implementation's metadata API.

publish.py DIRECTORY named|bare

Writes the metadata of two states, with a root that changes between them, below DIRECTORY/1 and DIRECTORY/2. `named`
gives lengths and digests of all metadata, `bare` gives versions alone, as the specification allows.
"""

import datetime
import pathlib
import sys

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

top, extent = pathlib.Path(sys.argv[1]), sys.argv[2]
EXPIRES = datetime.datetime(2200, 1, 1, tzinfo=datetime.timezone.utc)
PATH = "index/packages.index"


def signed(value, *signers):
    metadata = Metadata(value)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes(JSONSerializer(compact=False))


def meta(version, data):
    if extent == "bare":
        return MetaFile(version)
    return MetaFile.from_data(version, data, ["sha256", "sha512"])


keys = {
    name: CryptoSigner.generate_ed25519()
    for name in ("root-a", "root-b", "root-c", "targets", "snapshot", "timestamp", "packages")
}
online = ("targets", "snapshot", "timestamp")

root = Root(expires=EXPIRES)
for name in ("root-a", "root-b"):
    root.add_key(keys[name].public_key, "root")
for name in online:
    root.add_key(keys[name].public_key, name)
root.roles["root"].threshold = 2
roots = {"1.root.json": signed(root, keys["root-a"], keys["root-b"])}

packages_key = keys["packages"].public_key
targets = Targets(
    expires=EXPIRES,
    delegations=Delegations(
        {packages_key.keyid: packages_key},
        {
            "packages": DelegatedRole(
                "packages", [packages_key.keyid], 1, True, paths=["index/*"]
            )
        },
    ),
)
targets.unrecognized_fields["x-someone"] = {"ünknown": [True, None, -1, 'quote " and \\']}


def publish(version, roots):
    directory = top / str(version) / "metadata"
    directory.mkdir(parents=True)
    content = f"index {version}".encode()
    packages = Targets(version=version, expires=EXPIRES)
    packages.targets[PATH] = TargetFile.from_data(PATH, content, ["sha256", "sha512"])
    files = dict(roots)
    files["1.targets.json"] = signed(targets, keys["targets"])
    files[f"{version}.packages.json"] = signed(packages, keys["packages"])
    snapshot = Snapshot(version=version, expires=EXPIRES)
    snapshot.meta["targets.json"] = meta(1, files["1.targets.json"])
    snapshot.meta["packages.json"] = meta(version, files[f"{version}.packages.json"])
    name = f"{version}.snapshot.json"
    files[name] = signed(snapshot, keys["snapshot"])
    timestamp = Timestamp(version=version, expires=EXPIRES, snapshot_meta=meta(version, files[name]))
    files["timestamp.json"] = signed(timestamp, keys["timestamp"])
    for name, data in files.items():
        (directory / name).write_bytes(data)


publish(1, roots)
root.version = 2
root.revoke_key(keys["root-a"].public_key.keyid, "root")
root.add_key(keys["root-c"].public_key, "root")
roots["2.root.json"] = signed(root, *(keys[name] for name in ("root-a", "root-b", "root-c")))
publish(2, roots)
