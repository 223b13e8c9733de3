configure() {
    ./configure --prefix=/usr --disable-nls --disable-perl-regexp
}

build() {
    make
}

# gnulib's own tests, which are about the C library, are left out.
check() {
    make -C tests check
}

do_install() {
    make DESTDIR="$DESTDIR" install
}
