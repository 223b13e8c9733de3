configure() {
    ./configure --prefix=/usr --mandir=/usr/share/man
}

build() {
    make
}

check() {
    make check
}

do_install() {
    make DESTDIR="$DESTDIR" install
    ln -s mawk "$DESTDIR/usr/bin/awk"
}
