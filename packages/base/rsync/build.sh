configure() {
    ./configure --prefix=/usr --sysconfdir=/etc --without-included-popt --without-included-zlib --disable-md2man \
        --with-rsyncd-conf=/etc/rsyncd.conf
}

build() {
    make
}

do_install() {
    make DESTDIR="$DESTDIR" install
    # A shell script around ssh.
    rm "$DESTDIR/usr/bin/rsync-ssl" "$DESTDIR/usr/share/man/man1/rsync-ssl.1"
}
