configure() {
    ./configure --prefix=/usr --disable-nls --disable-perl-xs --disable-install-warnings
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # The index of manuals is made on the machine that has them.
    rm -f "$DESTDIR/usr/share/info/dir"
}
