configure() {
    ./configure --prefix=/usr --disable-static --enable-jit
}

build() {
    make
}

check() {
    make check
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # A shell script that says what the .pc files say.
    rm "$DESTDIR/usr/bin/pcre2-config" "$DESTDIR/usr/share/man/man1/pcre2-config.1"
}
