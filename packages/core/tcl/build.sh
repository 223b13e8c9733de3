configure() {
    # The extensions below pkgs are packages of their own elsewhere.
    rm -rf pkgs
    cd unix
    ./configure --prefix=/usr --mandir=/usr/share/man --disable-rpath --enable-threads
}

build() {
    make -C unix
}

do_install() {
    make -C unix DESTDIR="$DESTDIR" install-binaries install-libraries install-headers
    ln -s tclsh8.6 "$DESTDIR/usr/bin/tclsh"
    chmod 755 "$DESTDIR/usr/lib/libtcl8.6.so"
    # Names the build directory, and only extensions in C would read it.
    rm -f "$DESTDIR/usr/lib/tclConfig.sh" "$DESTDIR/usr/lib/tclooConfig.sh"
}
