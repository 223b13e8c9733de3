#!/usr/bin/env bash
# Builds packages in a root of our own packages alone: namespaces of its own, nothing of this machine but its kernel.
# Usage: packages/self.sh [-b IGOS-BUILD] [-j JOBS] ROOT CACHE TOOLCHAIN PACKAGE…
# ROOT is a system that `igos-build pipeline run` made, CACHE the cache of that run, TOOLCHAIN one of its toolchains. The
# program is ROOT's own /usr/bin/igos-build, or the static one that -b names. Everything is copied, so that nothing in ROOT
# and CACHE changes. Prints what the build says, then for each archive that CACHE has of the same inputs whether it is the
# same bit for bit; ends with the exit code of the build, 1 if an archive differs, 2 for a wrong call. Needs to be root.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)

program='' jobs=$(nproc)
while getopts b:j: option; do
    case $option in
        b) program=$OPTARG ;;
        j) jobs=$OPTARG ;;
        *) sed -n '2,7s/^# //p' "$0" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 4 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
root=$1 cache=$2 toolchain=$3
shift 3
[ -e "$cache/toolchains/$toolchain" ] || { echo "self.sh: there is no toolchain $cache/toolchains/$toolchain" >&2; exit 2; }
[ -n "$program" ] || [ -x "$root/usr/bin/igos-build" ] || { echo "self.sh: $root has no igos-build, and -b names none" >&2; exit 2; }

work=$(mktemp -d -p "${TMPDIR:-/var/tmp}")
trap 'rm -rf "$work"' EXIT
inside=$work/root/var/cache/igos/build
cp -a "$root" "$work/root" || exit 4
mkdir -p "$inside/toolchains" "$work/root/root/packages" || exit 4
cp -a "$cache/sources" "$cache/version" "$inside/" && cp -a "$cache/toolchains/$toolchain" "$inside/toolchains/" || exit 4
cp -a "$here/." "$work/root/root/packages/" || exit 4
# As the chain of the bootstrap has it: the toolchain's own compiler.
sed -i '/^toolchain = /d; s/^CC = .*/CC = "cc"/' "$work/root/root/packages/igos.toml" || exit 4
[ -z "$program" ] || cp "$program" "$work/root/usr/bin/igos-build" || exit 4

# What is /proc, /dev and /tmp of a machine is made anew; the old root is taken away before anything of the new one runs.
unshare --mount --pid --fork --uts --ipc --net bash -euc '
    cd "$1"
    shift
    mount --make-rprivate /
    mount --bind . .
    cd "$PWD"
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    mount -t tmpfs dev dev
    for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
        mknod -m 666 dev/${node/ / c }
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    mount -t tmpfs tmp tmp
    mount -t tmpfs run run
    pivot_root . mnt
    cd /
    umount -l /mnt
    exec /usr/bin/env -i HOME=/root PATH=/usr/bin:/usr/sbin TERM=dumb "$@"
' self.sh "$work/root" igos-build --offline --recipes /root/packages --cache /var/cache/igos/build --toolchain "$toolchain" \
    --report plain --jobs "$jobs" build --no-check "$@"
status=$?
[ "$status" = 0 ] || exit "$status"

# A build is found under the digest of its inputs, so the same directory name is the same inputs.
for made in "$inside"/builds/*/*.igos.tar.*; do
    there=$cache/builds/${made#"$inside/builds/"}
    if [ ! -e "$there" ]; then
        echo "${made##*/}: made from other inputs than those of $cache"
    elif cmp -s "$made" "$there"; then
        echo "${made##*/}: bit-identical"
    else
        echo "${made##*/}: DIFFERS"
        status=1
    fi
done
exit "$status"
