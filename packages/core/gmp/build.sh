configure() {
    # Equal results with and without the manual.
    rm -rf doc
    mkdir doc
    printf 'all check install:\n' > doc/Makefile.in
    # Said, not detected: code for any machine of the architecture, whichever one builds.
    ./configure --prefix=/usr --build=x86_64-linux-musl --host=x86_64-linux-musl --disable-static
}

build() {
    make
}

check() {
    make check
}

do_install() {
    make DESTDIR="$DESTDIR" install
    rm "$DESTDIR"/usr/lib/*.la
}
