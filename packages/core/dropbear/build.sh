programs="dropbear dbclient dropbearkey scp"

configure() {
    ./configure --prefix=/usr --enable-bundled-libtom --disable-lastlog --disable-utmp --disable-utmpx --disable-wtmp --disable-wtmpx
}

build() {
    make PROGRAMS="$programs"
}

do_install() {
    make PROGRAMS="$programs" DESTDIR="$DESTDIR" install
    mkdir -p "$DESTDIR/etc/dropbear"
    install -D -m 755 dropbear.initd "$DESTDIR/etc/init.d/dropbear"
}
