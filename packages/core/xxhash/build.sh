options="prefix=/usr libdir=/usr/lib mandir=/usr/share/man DISPATCH=0"

build() {
    make lib xxhsum $options
}

check() {
    make test-xxhsum-c $options
}

do_install() {
    make $options DESTDIR="$DESTDIR" install
    rm -f "$DESTDIR/usr/lib/libxxhash.a"
}
