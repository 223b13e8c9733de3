configure() {
    ./configure --prefix=/usr --build=x86_64-linux-musl --host=x86_64-linux-musl --disable-static
}

build() {
    make MAKEINFO=true
}

check() {
    make MAKEINFO=true check
}

do_install() {
    make MAKEINFO=true DESTDIR="$DESTDIR" install
    rm -r "$DESTDIR"/usr/lib/*.la "$DESTDIR/usr/share/info"
}
