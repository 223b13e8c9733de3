configure() {
    # The manual is left out whichever source was used, so that both give the same package.
    for file in doc/libtool.info doc/libtool.info-1 doc/libtool.info-2 doc/libtool.texi doc/fdl.texi doc/libtool.1 doc/libtoolize.1; do
        test -e "$file" || : > "$file"
    done
    ./configure --prefix=/usr --disable-static --disable-maintainer-mode MAKEINFO=true HELP2MAN=true CXX=no F77=no FC=no GCJ=no
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    rm -rf "$DESTDIR/usr/share/info" "$DESTDIR/usr/share/man"
}
