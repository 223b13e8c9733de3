configure() {
    ./configure --prefix=/usr
}

build() {
    make
}

check() {
    make check
}

do_install() {
    make DESTDIR="$DESTDIR" install
}
