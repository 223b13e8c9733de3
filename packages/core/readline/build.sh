configure() {
    ./configure --prefix=/usr --disable-static --with-curses --with-shared-termcap-library
}

build() {
    # The library says itself which terminal library it needs.
    make SHLIB_LIBS=-lncursesw
}

do_install() {
    make SHLIB_LIBS=-lncursesw DESTDIR="$DESTDIR" install
}
