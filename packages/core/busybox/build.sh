# Switched off: package managers of others, the installer, setuid handling, and `tc`, which needs kernel headers older
# than 6.8. What packages of this tree bring is in the program and has no link, for their paths would collide; it is
# there because a build may see this program under the links of a toolchain that has one of its own.

configure() {
    # A line of /etc/shadow without numbers gives the error of whatever failed before, and whoever it is of cannot log in
    # (convert_to_struct, 1.37.0).
    sed -i 's/^\tmemset(result, 0, db->size_of);$/\terrno = 0;\n&/' libpwdgrp/pwd_grp.c
    grep -q '^.errno = 0;$' libpwdgrp/pwd_grp.c
    make HOSTCC="$CC" defconfig
    while read -r option; do
        sed -i "s/^CONFIG_$option=y$/# CONFIG_$option is not set/" .config
    done < applets-off
    make HOSTCC="$CC" oldconfig < /dev/null
    # An option that another one selects comes back silently.
    while read -r option; do
        if grep "^CONFIG_$option=y$" .config; then
            return 1
        fi
    done < applets-off
}

build() {
    make CC="$CC" HOSTCC="$CC" SKIP_STRIP=y
}

do_install() {
    install -D -m 755 busybox "$DESTDIR/usr/bin/busybox"
    mkdir -p "$DESTDIR/usr/sbin"
    make CC="$CC" HOSTCC="$CC" SKIP_STRIP=y busybox.links
    while read -r path; do
        if grep -qxF "${path##*/}" links-off; then
            continue
        fi
        case $path in
            /sbin/* | /usr/sbin/*) ln -s ../bin/busybox "$DESTDIR/usr/sbin/${path##*/}" ;;
            */busybox) ;;
            *) ln -s busybox "$DESTDIR/usr/bin/${path##*/}" ;;
        esac
    done < busybox.links
}
