# Switched off: what the toolchain has itself, package managers of others, the installer, setuid handling, and `tc`,
# which needs kernel headers older than 6.8.

options="CROSS_COMPILE=x86_64-linux-musl- HOSTCC=gcc SKIP_STRIP=y"

configure() {
    make $options CC="$CC" defconfig
    while read -r option; do
        sed -i "s/^CONFIG_$option=y$/# CONFIG_$option is not set/" .config
    done < applets-off
    sed -i 's/^# CONFIG_STATIC is not set$/CONFIG_STATIC=y/' .config
    make $options CC="$CC" oldconfig < /dev/null
    # An option that another one selects comes back silently.
    while read -r option; do
        if grep "^CONFIG_$option=y$" .config; then
            return 1
        fi
    done < applets-off
    grep '^CONFIG_STATIC=y$' .config
}

build() {
    make $options CC="$CC"
}

do_install() {
    install -D -m 755 busybox "$DESTDIR/usr/bin/busybox"
    make $options CC="$CC" busybox.links
    mkdir -p "$DESTDIR/usr/sbin"
    while read -r path; do
        case $path in
            /sbin/* | /usr/sbin/*) ln -s ../bin/busybox "$DESTDIR/usr/sbin/${path##*/}" ;;
            */busybox) ;;
            *) ln -s busybox "$DESTDIR/usr/bin/${path##*/}" ;;
        esac
    done < busybox.links
}
