configure() {
    # Java, C#, C++ and Emacs are left out, whatever is found; musl has the functions of libintl itself.
    ./configure --prefix=/usr --disable-static --disable-nls --disable-java --disable-csharp --disable-d --disable-modula2 --disable-libasprintf \
        --disable-openmp --disable-acl --disable-xattr --disable-curses --disable-rpath --without-emacs --without-git --without-cvs --without-bzip2 --without-xz \
        --with-included-libxml --with-included-libunistring --with-included-gettext=no CXX=no
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    rm -rf "$DESTDIR/usr/share/info" "$DESTDIR/usr/share/doc" "$DESTDIR/usr/share/man/man3" "$DESTDIR/usr/share/gettext/projects" \
        "$DESTDIR/usr/lib/gettext"
}
