build() {
    make PREFIX=/usr CC="$CC" LDFLAGS="$LDFLAGS"
}

check() {
    make PREFIX=/usr CC="$CC" LDFLAGS="$LDFLAGS" check
}

do_install() {
    make PREFIX=/usr DESTDIR="$DESTDIR" install
}
