configure() {
    ./configure --prefix=/usr --disable-static \
        --with-pkg-config-dir=/usr/lib/pkgconfig:/usr/share/pkgconfig \
        --with-system-libdir=/usr/lib --with-system-includedir=/usr/include
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    ln -s pkgconf "$DESTDIR/usr/bin/pkg-config"
    ln -s pkgconf.1 "$DESTDIR/usr/share/man/man1/pkg-config.1"
}
