build() {
    make CC="$CC" CFLAGS="$CFLAGS -std=c11 -D_LARGEFILE64_SOURCE -D_FILE_OFFSET_BITS=64" LDFLAGS="$LDFLAGS"
}

check() {
    # Upstream has no suite.
    mkdir -p sample/one/two
    : > sample/one/two/three
    ./tree --noreport sample | grep -c three
    ./tree -J sample | grep '"directories":3,"files":1'
}

do_install() {
    install -D -m 755 tree "$DESTDIR/usr/bin/tree"
    install -D -m 644 doc/tree.1 "$DESTDIR/usr/share/man/man1/tree.1"
}
