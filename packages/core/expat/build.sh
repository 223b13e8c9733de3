configure() {
    cd expat
    # What buildconf.sh of upstream does.
    autoreconf --install --force
    ./configure --prefix=/usr --disable-static --without-docbook --without-examples --without-tests CXX=no
}

build() {
    make -C expat
}

do_install() {
    make -C expat DESTDIR="$DESTDIR" install
}
