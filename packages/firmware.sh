#!/usr/bin/env bash
# Shows that the kernel of a root finds firmware below /lib/firmware, which is a link on its way to /usr/lib/firmware.
# Usage: packages/firmware.sh [OPTIONS OF boot.sh] ROOT
# Boots a copy of the root with three files, one as it is, one packed with xz, one with zstd, and asks for each, and for one
# that is not there, by way of the module test_firmware, which a kernel of the fragment `test-firmware` has.
# Ends with 0 if each came with its content and the absent one did not, otherwise as boot.sh does, whose needs it has
# besides xz and zstd.
set -eu -o pipefail

[ $# -ge 1 ] || { sed -n '2,8s/^# //p' "$0" >&2; exit 2; }
root=${*: -1}
set -- "${@:1:$#-1}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -a "$root" "$work/root"
firmware=$work/root/usr/lib/firmware/igos-test
mkdir -p "$firmware"
commands=("modprobe test_firmware" "cd /sys/devices/virtual/misc/test_firmware")
for kind in plain xz zstd; do
    # Each has another content, longer than a page.
    seq "${#kind}" 9999 > "$firmware/$kind"
    digest=$(sha256sum < "$firmware/$kind")
    # The kernel knows this check alone of those that xz has.
    case $kind in
        xz) xz --check=crc32 "$firmware/xz" ;;
        zstd) zstd -q --rm "$firmware/zstd" -o "$firmware/zstd.zst" ;;
    esac
    commands+=("printf igos-test/$kind > trigger_request && [ \"\$(sha256sum < /dev/test_firmware)\" = '$digest' ]")
done
commands+=("if printf igos-test/absent > trigger_request; then false; fi")
"$(dirname "$0")/boot.sh" "$@" "$work/root" "${commands[@]}"
