configure() {
    autoheader
    autoconf
    ./configure --prefix=/usr --mandir=/usr/share/man --with-sys-screenrc=/etc/screenrc --disable-pam --disable-telnet --enable-colors256 \
        --with-socket-dir=/run/screen --with-pty-group=5
}

build() {
    make CFLAGS="$CFLAGS -D_GNU_SOURCE -Wno-error=implicit-function-declaration"
}

do_install() {
    make DESTDIR="$DESTDIR" install
    rm -rf "$DESTDIR/usr/share/info"
    # Sessions of several people would need setuid root.
    rm "$DESTDIR/usr/bin/screen"
    mv "$DESTDIR/usr/bin/screen-$PKG_VERSION" "$DESTDIR/usr/bin/screen"
    chmod 755 "$DESTDIR/usr/bin/screen"
}
