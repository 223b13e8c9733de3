configure() {
    ./configure --prefix=/usr --disable-static
}

build() {
    make
}

check() {
    # The test programs are linked with the new library, which needs this one, and are not told of it.
    make LIBS=-lmd check
}

do_install() {
    make DESTDIR="$DESTDIR" install
}
