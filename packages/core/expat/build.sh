configure() {
    cd expat
    # What buildconf.sh of upstream does.
    autoreconf --install --force
    ./configure --prefix=/usr --disable-static --without-docbook --without-examples
}

build() {
    make -C expat
}

check() {
    make -C expat check
}

do_install() {
    make -C expat DESTDIR="$DESTDIR" install
}
