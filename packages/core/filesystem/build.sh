# Everything else installs below /usr; what programs expect beside it are links.

build() {
    : # nothing to compile
}

do_install() {
    (
        cd "$DESTDIR"
        mkdir -p boot dev etc home mnt opt proc root run srv sys tmp \
            usr/bin usr/include usr/lib usr/lib/firmware usr/sbin usr/share usr/src \
            var/cache var/lib var/log var/spool var/tmp
        for name in bin lib sbin; do
            ln -s "usr/$name" "$name"
        done
        ln -s ../run var/run
    )
    for name in group os-release passwd profile shadow shells; do
        install -m 644 "$name" "$DESTDIR/etc/$name"
    done
}
