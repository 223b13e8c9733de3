# `make headers` needs a compiler for one small program of its own, and nothing else: no configuration, no rsync.

build() {
    make ARCH=x86_64 HOSTCC="$CC" headers
}

do_install() {
    find usr/include -type f ! -name '*.h' -delete
    mkdir -p "$DESTDIR/usr"
    cp -R usr/include "$DESTDIR/usr/"
}
