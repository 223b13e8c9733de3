configure() {
    ./configure --prefix=/usr --enable-mpers=no --without-libunwind --without-libdw --without-libiberty CC_FOR_BUILD="$CC"
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # Needs Perl.
    rm -f "$DESTDIR/usr/bin/strace-graph" "$DESTDIR/usr/bin/strace-log-merge" "$DESTDIR/usr/share/man/man1/strace-log-merge.1"
}
