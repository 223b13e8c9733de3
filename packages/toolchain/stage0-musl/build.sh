configure() {
    ./configure --target=x86_64-linux-musl --prefix=/usr --syslibdir=/lib --disable-wrapper \
        CROSS_COMPILE=x86_64-linux-musl- CC=x86_64-linux-musl-gcc AR= RANLIB=
}

build() {
    make AR=x86_64-linux-musl-ar RANLIB=x86_64-linux-musl-ranlib
}

do_install() {
    make AR=x86_64-linux-musl-ar RANLIB=x86_64-linux-musl-ranlib DESTDIR="$DESTDIR" install
    # /lib is a link to /usr/lib on every igos system, so both names lead to the same file.
    rm -r "$DESTDIR/lib"
    ln -s libc.so "$DESTDIR/usr/lib/ld-musl-x86_64.so.1"
}
