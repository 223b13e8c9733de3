configure() {
    ./configure --prefix=/usr --disable-static --disable-samples --disable-libevent-regress
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # Needs Python.
    rm "$DESTDIR/usr/bin/event_rpcgen.py"
}
