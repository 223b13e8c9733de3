configure() {
    cp Makefile.linux Makefile
}

build() {
    make PREFIX=/usr CC="$CC" CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS"
}

do_install() {
    make PREFIX=/usr MANPREFIX=/usr/share/man DESTDIR="$DESTDIR" install
}
