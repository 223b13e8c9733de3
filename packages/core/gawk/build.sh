configure() {
    # The manual is left out whichever source was used, so that both give the same package.
    # The library of examples in awklib is extracted from it.
    sed -i '/^SUBDIRS = /{s/ doc / /; s/ awklib / /}' Makefile.in
    rm -rf doc
    mkdir doc
    printf 'all check install:\n' > doc/Makefile.in
    ./configure --prefix=/usr --disable-nls --disable-mpfr --disable-pma --without-libsigsegv-prefix
}

build() {
    make
}

check() {
    make -C test CMP=cmp basic-msg-start basic basic-msg-end unix-msg-start unix-tests unix-msg-end
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # A second name, the command that busybox and mawk have too, and a script that writes mail to upstream.
    rm -f "$DESTDIR/usr/bin/gawk-$PKG_VERSION" "$DESTDIR/usr/bin/awk" "$DESTDIR/usr/bin/gawkbug"
}
