# The busybox that a system has leaves out what other packages bring. Builds need all of it, whatever those packages
# are by now, and static: a C library that is being replaced must not take its tools along.
# Switched off: what toolchains have themselves, package managers of others, the installer, setuid handling, and `tc`,
# which needs kernel headers older than 6.8.

configure() {
    make HOSTCC="$CC" defconfig
    while read -r option; do
        sed -i "s/^CONFIG_$option=y$/# CONFIG_$option is not set/" .config
    done < applets-off
    sed -i 's/^# CONFIG_STATIC is not set$/CONFIG_STATIC=y/' .config
    make HOSTCC="$CC" oldconfig < /dev/null
    # An option that another one selects comes back silently.
    while read -r option; do
        if grep "^CONFIG_$option=y$" .config; then
            return 1
        fi
    done < applets-off
    grep '^CONFIG_STATIC=y$' .config
}

build() {
    make CC="$CC" HOSTCC="$CC" SKIP_STRIP=y
}

do_install() {
    install -D -m 755 busybox "$DESTDIR/usr/bin/busybox"
    make CC="$CC" HOSTCC="$CC" SKIP_STRIP=y busybox.links
    mkdir -p "$DESTDIR/usr/sbin"
    while read -r path; do
        case $path in
            /sbin/* | /usr/sbin/*) ln -s ../bin/busybox "$DESTDIR/usr/sbin/${path##*/}" ;;
            */busybox) ;;
            *) ln -s busybox "$DESTDIR/usr/bin/${path##*/}" ;;
        esac
    done < busybox.links
}
