build() {
    make linux-readline CC="$CC -std=gnu99" MYCFLAGS="$CFLAGS -fPIC" MYLDFLAGS="$LDFLAGS"
}

do_install() {
    make INSTALL_TOP="$DESTDIR/usr" INSTALL_MAN="$DESTDIR/usr/share/man/man1" install
}
