configure() {
    autoreconf --force --install
    ./configure --prefix=/usr --enable-unicode --enable-capabilities --disable-hwloc --disable-sensors --disable-delayacct --disable-unwind
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
}
