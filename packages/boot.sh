#!/usr/bin/env bash
# Boots a root directory in QEMU, with its own kernel, and types commands on its serial console.
# Usage: packages/boot.sh [-a tcg|kvm] [-k KERNEL] [-m MIB] [-t SECONDS] ROOT [COMMAND…]
# Prints all that the console says; ends with 0 if all commands did, 1 if one did not, 2 for a wrong call, 4 if the
# machine did not come up in SECONDS (600). The root is copied into an ext4 image, so that nothing in it changes: as
# the user who owns its files, which is root for a root with owners. Needs qemu-system-x86_64 and mke2fs.
set -u -o pipefail

# Emulated unless told otherwise: a machine that is itself a guest often has a KVM that hangs.
accelerator=tcg kernel='' memory=512 seconds=600
while getopts a:k:m:t: option; do
    case $option in
        a) accelerator=$OPTARG ;;
        k) kernel=$OPTARG ;;
        m) memory=$OPTARG ;;
        t) seconds=$OPTARG ;;
        *) sed -n '2,7s/^# //p' "$0" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
root=$1
shift
for program in qemu-system-x86_64 mke2fs; do
    PATH=$PATH:/usr/sbin command -v "$program" > /dev/null || { echo "boot.sh: there is no $program" >&2; exit 4; }
done
[ -n "$kernel" ] || kernel=$(printf '%s\n' "$root"/boot/vmlinuz-* | sort -V | tail -n 1)
[ -r "$kernel" ] || { echo "boot.sh: there is no kernel $kernel" >&2; exit 4; }

work=$(mktemp -d)
machine=
finish() {
    [ -z "$machine" ] || kill "$machine" 2> /dev/null
    rm -rf "$work"
}
trap finish EXIT
# Half as much again as the files have, and room for the journal and for a few files more.
size=$(($(du -sk "$root" | cut -f 1) * 3 / 2 + 65536))
truncate -s "${size}K" "$work/disk" && PATH=$PATH:/usr/sbin mke2fs -q -t ext4 -d "$root" "$work/disk" || exit 4

mkfifo "$work/keys" "$work/screen"
qemu-system-x86_64 -accel "$accelerator" -cpu max -m "$memory" -nodefaults -no-reboot -display none -serial stdio -nic none \
    -device virtio-rng-pci -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" \
    -kernel "$kernel" -append "root=/dev/vda ro console=ttyS0 panic=-1 quiet" < "$work/keys" > "$work/screen" 2>&1 &
machine=$!
exec 3> "$work/keys" 4< "$work/screen"

# Reads the console, and prints it, until it says a text; gives up after so many seconds.
await() {
    local seen='' character end=$((SECONDS + seconds))
    while [[ $seen != *"$1"* ]]; do
        if ! IFS= read -r -N 1 -t $((end > SECONDS ? end - SECONDS : 0)) -u 4 character; then
            echo "boot.sh: the machine did not say \`$1'" >&2
            exit 4
        fi
        printf '%s' "$character"
        seen=$seen$character
        [ ${#seen} -lt 400 ] || seen=${seen: -200}
    done
}

await '# '
echo "boot.sh: a shell after $SECONDS s" >&2
status=0
number=0
for command; do
    number=$((number + 1))
    # The shell echoes what is typed: what is waited for is written differently there.
    printf "%s; echo did'-%s-'\$?\n" "$command" "$number" >&3
    await "did-$number-"
    IFS= read -r -N 1 -t 5 -u 4 result
    printf '%s' "$result"
    [ "$result" = 0 ] || status=1
    await '# '
done
printf 'poweroff\n' >&3
cat <&4 || true
wait "$machine"
machine=
exit "$status"
