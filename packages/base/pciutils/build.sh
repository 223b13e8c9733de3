options="PREFIX=/usr SBINDIR=/usr/bin IDSDIR=/usr/share/hwdata SHARED=yes ZLIB=yes DNS=no LIBKMOD=yes HWDB=no STRIP="

build() {
    make $options CC="$CC" OPT="$CFLAGS" LDFLAGS="$LDFLAGS"
}

do_install() {
    make $options DESTDIR="$DESTDIR" install install-lib
    # Asks a server on the network for a newer list.
    rm "$DESTDIR/usr/bin/update-pciids" "$DESTDIR/usr/share/man/man8/update-pciids.8"
}
